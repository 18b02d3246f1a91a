// A server with simple-hl7 that acknowledges what is on the disk: each message is written and synced before its answer.
//     node peer-simple-hl7.js PORT FILE
'use strict';
const fs = require('fs');
const hl7 = require('simple-hl7');

const [port, file] = process.argv.slice(2);
const fd = fs.openSync(file, 'w');
const app = hl7.tcp();

app.use((req, res, next) => {
    fs.writeSync(fd, req.raw || req.msg.toString());
    fs.fdatasyncSync(fd);
    res.end();
});
app.use((err, req, res, next) => {
    console.error(err);
    process.exit(1);
});
app.start(Number(port));
setTimeout(() => console.log('ready'), 500);
