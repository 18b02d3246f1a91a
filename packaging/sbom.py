#!/usr/bin/python3
"""What the packages are made of, as SPDX 2.3: sbom.py FOLDER OUTPUT

Of each package in FOLDER (*.deb, without the debug symbols) its hash, and for every program and library in it the Debian packages of the
shared libraries that it is linked against, with the version that was there when it was built.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

NAMESPACE = "https://carebus.example/spdx"


def said_by(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def is_elf(path):
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries(folder):
    """Names of the shared libraries that anything in the folder is linked against."""
    found = set()
    for path in sorted(folder.rglob("*")):
        if is_elf(path):
            found.update(re.findall(r"NEEDED\s+(\S+)", said_by("objdump", "-p", path)))
    return found


def package_of(library):
    """(package, version, source) of Debian that has it on this machine; None of what is our own."""
    places = [line.split(" => ")[1] for line in said_by("/sbin/ldconfig", "-p").splitlines() if line.strip().startswith(library + " ")]
    for place in places:
        # Where /lib leads to /usr/lib, dpkg knows one of the two.
        for path in (place, place.removeprefix("/usr"), "/usr" + place):
            done = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                name = done.stdout.split(":", 1)[0]
                version, source = said_by("dpkg-query", "-W", "-f", "${Version}\t${source:Package}\n", name).splitlines()[0].split("\t")
                return name, version, source
    return None


def element(name, version, url, **more):
    return {"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}], **more}


def related(one, how, other):
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}


def main(folder, output):
    ours, theirs, relationships = [], {}, []
    debs = sorted(path for path in pathlib.Path(folder).glob("*.deb") if "-dbgsym_" not in path.name)
    for deb in debs:
        name, version = said_by("dpkg-deb", "-f", deb, "Package").strip(), said_by("dpkg-deb", "-f", deb, "Version").strip()
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        ours.append(element(name, version, f"pkg:deb/carebus/{name}@{version}", packageFileName=deb.name, licenseDeclared="Apache-2.0",
                            checksums=[{"algorithm": "SHA256", "checksumValue": digest}]))
        relationships.append(related("SPDXRef-DOCUMENT", "DESCRIBES", ours[-1]["SPDXID"]))
        with tempfile.TemporaryDirectory() as tree:
            said_by("dpkg-deb", "-x", deb, tree)
            found = {package_of(library) for library in libraries(pathlib.Path(tree))} - {None}
        for other, its_version, source in sorted(found):
            theirs[other] = element(other, its_version, f"pkg:deb/debian/{other}@{its_version}?distro=bookworm",
                                    licenseDeclared="NOASSERTION", sourceInfo=f"source package {source} of Debian")
            relationships.append(related(ours[-1]["SPDXID"], "DYNAMIC_LINK", theirs[other]["SPDXID"]))
    if not ours:
        sys.exit(f"there are no packages in {folder}: ./run packages")
    whole = hashlib.sha256("".join(one["checksums"][0]["checksumValue"] for one in ours).encode()).hexdigest()
    made = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", debs[0].stat().st_mtime)), datetime.timezone.utc)
    document = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "carebus",
                "documentNamespace": f"{NAMESPACE}/{whole}",
                "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: packaging/sbom.py"]},
                "packages": ours + [theirs[name] for name in sorted(theirs)], "relationships": relationships}
    pathlib.Path(output).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


main(*sys.argv[1:])
