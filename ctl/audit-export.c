/*
 * carebusctl audit export --fhir: the audit as FHIR R4 AuditEvent, one JSON object a line, one for each record and person in it. Read from
 * the segments, each record proved on the way: what does not verify is not exported beyond.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "carebus/v1/audit.pb-c.h"
#include "ctl/audit.h"
#include "daemon/audit/verify.h"

#define DCM "http://dicom.nema.org/resources/ontology/DCM"
#define PROGRESS_EVERY 1024

typedef struct Export {
        const char *bus, *folder, *path, *from, *until;
        int64_t from_at, until_at;
        FILE *file;
        Buffer line;
        Carebus__V1__AuditedSettings **settings; /* that were seen, for the names of rules */
        size_t n_settings;
        uint64_t written;
} Export;

/* ---- JSON ------------------------------------------------------------------------------------------------------------------ */

static void put_text(Buffer *out, const char *text) {
        buffer_append_byte(out, '"');
        for (const char *c = text; *c; c++) {
                if (*c == '"' || *c == '\\')
                        buffer_append_format(out, "\\%c", *c);
                else if ((unsigned char)*c < 0x20)
                        buffer_append_format(out, "\\u%04x", (unsigned char)*c);
                else
                        buffer_append_byte(out, (uint8_t)*c);
        }
        buffer_append_byte(out, '"');
}

static void put_coding(Buffer *out, const char *system, const char *code, const char *display) {
        buffer_append_format(out, "{\"system\":\"%s\",\"code\":", system);
        put_text(out, code);
        if (display) {
                buffer_append_text(out, ",\"display\":");
                put_text(out, display);
        }
        buffer_append_byte(out, '}');
}

static void put_identifier(Export *export, const char *kind, const char *value) {
        buffer_append_format(&export->line, "{\"identifier\":{\"system\":\"carebus:%s%s\",\"value\":", export->bus,
                             kind);
        put_text(&export->line, value);
        buffer_append_text(&export->line, "}}");
}

static void put_instant(Buffer *out, int64_t at) {
        char text[CIVIL_TEXT_SIZE];

        civil_format(at, text);
        put_text(out, text);
}

/* ---- what a record is ---------------------------------------------------------------------------------------------------------- */

typedef struct Kind {
        const char *type, *type_says, *subtype, *subtype_says;
        char action;
} Kind;

static const Kind given = { "110106", "Export", NULL, NULL, 'R' };
static const Kind asked = { "110112", "Query", NULL, NULL, 'R' };
static const Kind glass = { "110113", "Security Alert", "110127", "Emergency Override Started", 'E' };
static const Kind decided = { "110100", "Application Activity", NULL, NULL, 'E' };
static const Kind settled = { "110113", "Security Alert", "110129", "Security Configuration", 'U' };
static const Kind started = { "110100", "Application Activity", "110120", "Application Start", 'E' };
static const Kind stopped = { "110100", "Application Activity", "110121", "Application Stop", 'E' };
static const Kind gap = { "110113", "Security Alert", "110133", "Audit Recording Stopped", 'E' };

static const Kind removed = { "110101", "Audit Log Used", NULL, NULL, 'D' };

static bool is_asked(int way) {
        return way == CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY || way == CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REQUEST ||
               way == CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUARANTINE || way == CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_CONTROL;
}

static const Kind *life_kind(const Carebus__V1__AuditLife *life) {
        static const struct {
                const char *code;
                const Kind *kind;
        } codes[] = { { "started", &started }, { "stopped", &stopped }, { "removed", &removed } };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (text_equal(life->code, codes[i].code))
                        return codes[i].kind;
        return &gap;
}

static const Kind *kind_of(const Carebus__V1__AuditRecord *record) {
        switch (record->what_case) {
        case CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE:
                return is_asked((int)record->disclosure->way) ? &asked : &given;
        case CAREBUS__V1__AUDIT_RECORD__WHAT_REFUSAL:
                return &asked;
        case CAREBUS__V1__AUDIT_RECORD__WHAT_DECISION:
                return record->decision->decision && record->decision->decision->kind ==
                                                             CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS
                               ? &glass
                               : &decided;
        case CAREBUS__V1__AUDIT_RECORD__WHAT_SETTINGS:
                return &settled;
        default:
                return life_kind(record->life);
        }
}

/* ---- who ------------------------------------------------------------------------------------------------------------------------- */

typedef struct Who {
        const char *team, *who, *system, *peer, *purpose;
} Who;

static Who who_of(const Carebus__V1__AuditRecord *record) {
        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE) {
                const Carebus__V1__Disclosure *disclosure = record->disclosure;
                return (Who){ disclosure->team, disclosure->who, disclosure->system, disclosure->peer,
                              disclosure->purpose };
        }
        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_REFUSAL) {
                const Carebus__V1__Refusal *refusal = record->refusal;
                return (Who){ refusal->team, refusal->who, refusal->system, refusal->peer, NULL };
        }
        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DECISION && record->decision->decision) {
                const Carebus__V1__JournalDecision *decision = record->decision->decision;
                return (Who){ decision->team, decision->who_says, NULL, decision->who, decision->reason };
        }
        return (Who){ .team = NULL };
}

static void put_agent(Export *export, const char *kind, const char *value, bool requestor, size_t *n) {
        if (!value)
                return;
        buffer_append_text(&export->line, (*n)++ ? ",{\"who\":" : "{\"who\":");
        put_identifier(export, kind, value);
        buffer_append_format(&export->line, ",\"requestor\":%s}", requestor ? "true" : "false");
}

/* The person where one is known, and else the team, is who asked. */
static void put_agents(Export *export, const Who *who) {
        size_t n = 0;

        buffer_append_text(&export->line, ",\"agent\":[");
        put_agent(export, ":person", who->who, true, &n);
        put_agent(export, ":team", who->team, !who->who, &n);
        put_agent(export, ":system", who->system, false, &n);
        put_agent(export, ":peer", who->peer, n == 0, &n);
        if (n == 0)
                put_agent(export, "", export->bus, true, &n);
        buffer_append_byte(&export->line, ']');
}

static void put_purpose(Export *export, const char *purpose) {
        static const struct {
                const char *purpose, *code;
        } rows[] = { { "direct-care", "TREAT" }, { "break-glass", "BTG" }, { "emergency", "ETREAT" } };

        if (!purpose)
                return;
        buffer_append_text(&export->line, ",\"purposeOfEvent\":[{");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (text_equal(rows[i].purpose, purpose)) {
                        buffer_append_text(&export->line, "\"coding\":[");
                        put_coding(&export->line, "http://terminology.hl7.org/CodeSystem/v3-ActReason", rows[i].code,
                                   NULL);
                        buffer_append_text(&export->line, "],");
                }
        buffer_append_text(&export->line, "\"text\":");
        put_text(&export->line, purpose);
        buffer_append_text(&export->line, "}]");
}

/* ---- what -------------------------------------------------------------------------------------------------------------------------- */

static void put_detail(Buffer *out, const char *type, const char *value, size_t *n) {
        if (!value || !value[0])
                return;
        buffer_append_format(out, "%s{\"type\":\"%s\",\"valueString\":", (*n)++ ? "," : "", type);
        put_text(out, value);
        buffer_append_byte(out, '}');
}

static const char *rule_name(const Export *export, const Carebus__V1__DisclosedItem *item) {
        if (item->rule == 0) /* the facts of a record go by many */
                return item->record ? NULL : "own";
        for (size_t i = 0; i < export->n_settings; i++)
                if (export->settings[i]->seq == item->settings && item->rule <= export->settings[i]->n_rules)
                        return export->settings[i]->rules[item->rule - 1];
        return NULL;
}

static void put_patient(Export *export, const char *patient_id) {
        buffer_append_text(&export->line, "{\"what\":");
        put_identifier(export, "", patient_id);
        buffer_append_text(&export->line, ",\"type\":");
        put_coding(&export->line, "http://terminology.hl7.org/CodeSystem/audit-entity-type", "1", "Person");
        buffer_append_text(&export->line, ",\"role\":");
        put_coding(&export->line, "http://terminology.hl7.org/CodeSystem/object-role", "1", "Patient");
        buffer_append_byte(&export->line, '}');
}

static void put_item(Export *export, const Carebus__V1__DisclosedItem *item) {
        char id[48], digest[2 * SHA256_SIZE + 1] = "";
        size_t n = 0;

        snprintf(id, sizeof(id), item->record ? "record@%" PRIu64 : "%" PRIu64 ".%" PRIu32, item->seq, item->index);
        if (item->digest.len == SHA256_SIZE)
                hex_encode(item->digest.data, item->digest.len, digest);
        buffer_append_text(&export->line, "{\"what\":");
        put_identifier(export, "", id);
        buffer_append_text(&export->line, ",\"type\":");
        put_coding(&export->line, "http://terminology.hl7.org/CodeSystem/audit-entity-type", "2", "System Object");
        buffer_append_text(&export->line, ",\"role\":");
        put_coding(&export->line, "http://terminology.hl7.org/CodeSystem/object-role", "4", "Domain Resource");
        buffer_append_text(&export->line, ",\"detail\":[");
        put_detail(&export->line, "rule", rule_name(export, item), &n);
        put_detail(&export->line, "relationship", item->relationship, &n);
        put_detail(&export->line, "sha-256", digest, &n);
        put_detail(&export->line, "shown", item->correction ? "withdrawal" : item->part ? "part" : "whole", &n);
        buffer_append_text(&export->line, "]}");
}

static bool same_person(const Carebus__V1__DisclosedItem *a, const Carebus__V1__DisclosedItem *b) {
        return text_equal(a->patient_id, b->patient_id);
}

/* Of a disclosure: those of the person that item `first` is of. */
static void put_entities(Export *export, const Carebus__V1__AuditRecord *record, size_t first) {
        const char *patient_id = NULL;
        size_t n = 0;

        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE && record->disclosure->n_items > 0)
                patient_id = record->disclosure->items[first]->patient_id;
        else if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_REFUSAL)
                patient_id = record->refusal->patient_id;
        else if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DECISION && record->decision->decision &&
                 record->decision->decision->n_patient_ids > 0)
                patient_id = record->decision->decision->patient_ids[0];
        if (!patient_id && record->what_case != CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE)
                return;
        buffer_append_text(&export->line, ",\"entity\":[");
        if (patient_id) {
                put_patient(export, patient_id);
                n++;
        }
        for (size_t i = first;
             record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE && i < record->disclosure->n_items; i++) {
                const Carebus__V1__DisclosedItem *item = record->disclosure->items[i];

                if (!item->has_seq || !same_person(item, record->disclosure->items[first]))
                        continue;
                if (n++)
                        buffer_append_byte(&export->line, ',');
                put_item(export, item);
        }
        buffer_append_byte(&export->line, ']');
}

/* ---- one event ------------------------------------------------------------------------------------------------------------------ */

static void put_type(Export *export, const Carebus__V1__AuditRecord *record, const Kind *kind) {
        Buffer *out = &export->line;

        buffer_append_text(out, ",\"type\":");
        put_coding(out, DCM, kind->type, kind->type_says);
        buffer_append_text(out, ",\"subtype\":[");
        if (kind->subtype)
                put_coding(out, DCM, kind->subtype, kind->subtype_says);
        else if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE)
                put_coding(out, "urn:carebus:audit-way", audit_way_says((int)record->disclosure->way), NULL);
        else if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_REFUSAL)
                put_coding(out, "urn:carebus:audit", "refused", NULL);
        else
                put_coding(out, "urn:carebus:audit", "decided", NULL);
        buffer_append_format(out, "],\"action\":\"%c\",\"recorded\":", kind->action);
        put_instant(out, record->at);
}

static void put_outcome(Export *export, const Carebus__V1__AuditRecord *record) {
        const char *failure = NULL;

        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_REFUSAL)
                failure = record->refusal->code ? record->refusal->code : "refused";
        else if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DECISION)
                failure = record->decision->refused;
        buffer_append_format(&export->line, ",\"outcome\":\"%s\"", failure ? "4" : "0");
        if (failure) {
                buffer_append_text(&export->line, ",\"outcomeDesc\":");
                put_text(&export->line, failure);
        }
}

static int export_event(Export *export, const Carebus__V1__AuditRecord *record, size_t first) {
        const Who who = who_of(record);

        buffer_clear(&export->line);
        buffer_append_format(&export->line, "{\"resourceType\":\"AuditEvent\",\"id\":\"%s-%" PRIu64 "-%zu\"",
                             export->bus, record->number, first);
        put_type(export, record, kind_of(record));
        put_outcome(export, record);
        put_purpose(export, who.purpose);
        put_agents(export, &who);
        buffer_append_text(&export->line, ",\"source\":{\"observer\":");
        put_identifier(export, "", export->bus);
        buffer_append_text(&export->line, ",\"type\":[");
        put_coding(&export->line, "http://terminology.hl7.org/CodeSystem/security-source-type", "4",
                   "Application Server");
        buffer_append_text(&export->line, "]}");
        put_entities(export, record, first);
        buffer_append_text(&export->line, "}\n");
        if (export->line.error < 0)
                return export->line.error;
        export->written++;
        return fwrite(export->line.data, 1, export->line.size, export->file) == export->line.size ? 0 : -EIO;
}

static int export_record(Export *export, const Carebus__V1__AuditRecord *record) {
        int r = 0;

        if (record->at < export->from_at || (export->until_at > 0 && record->at >= export->until_at))
                return 0;
        if (record->what_case != CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE)
                return export_event(export, record, 0);
        for (size_t i = 0; r == 0 && i < record->disclosure->n_items; i++) {
                bool before = false;

                for (size_t j = 0; j < i && !before; j++)
                        before = same_person(record->disclosure->items[j], record->disclosure->items[i]);
                if (!before)
                        r = export_event(export, record, i);
        }
        return r;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------------- */

static int keep_settings(Export *export, const AuditFrame *frame) {
        Carebus__V1__AuditedSettings **settings = reallocarray(export->settings, export->n_settings + 1,
                                                               sizeof(*settings));
        Carebus__V1__AuditRecord *record = carebus__v1__audit_record__unpack(NULL, frame->packed.size,
                                                                             frame->packed.data);

        if (settings)
                export->settings = settings;
        if (!settings || !record) {
                if (record)
                        carebus__v1__audit_record__free_unpacked(record, NULL);
                return -ENOMEM;
        }
        export->settings[export->n_settings++] = record->settings;
        record->what_case = CAREBUS__V1__AUDIT_RECORD__WHAT__NOT_SET;
        carebus__v1__audit_record__free_unpacked(record, NULL);
        return 0;
}

static int export_frame(Export *export, const AuditFrame *frame) {
        Carebus__V1__AuditRecord *record = carebus__v1__audit_record__unpack(NULL, frame->packed.size,
                                                                             frame->packed.data);
        int r;

        if (!record)
                return -EBADMSG;
        r = record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT__NOT_SET ? 0 : export_record(export, record);
        if (r == 0 && record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_SETTINGS)
                r = keep_settings(export, frame);
        carebus__v1__audit_record__free_unpacked(record, NULL);
        return r;
}

static int export_walk(Export *export) {
        _cleanup_(audit_walk_freep) AuditWalk *walk = NULL;
        Progress progress = { .what = "exporting" };
        AuditFrame frame;
        int r = audit_walk_new(export->folder, &walk);

        while (r == 0) {
                r = audit_walk_next(walk, &frame);
                if (r == 0)
                        r = export_frame(export, &frame);
                if (r == 0 && frame.number % PROGRESS_EVERY == 0)
                        progress_show(&progress, audit_walk_done(walk), audit_walk_bytes(walk));
        }
        progress_end(&progress);
        if (r == AUDIT_E_END && fflush(export->file) == 0)
                return EXIT_DONE;
        if (r == AUDIT_E_DAMAGED)
                error_print(PROGRAM,
                            "the audit is not what was written from record %" PRIu64
                            " on (%s): see carebusctl audit verify",
                            audit_walk_fault(walk)->number, audit_reason_says(audit_walk_fault(walk)->reason));
        else
                error_print(PROGRAM, "cannot export the audit: %s",
                            r == AUDIT_E_NONE ? "there is none"
                            : r == -ENOENT    ? "retention removed a segment meanwhile: run the same again"
                                              : strerror(r < 0 ? -r : EIO));
        return r == AUDIT_E_DAMAGED ? EXIT_NO : EXIT_STORAGE;
}

static void export_deinit(Export *export) {
        for (size_t i = 0; i < export->n_settings; i++)
                carebus__v1__audited_settings__free_unpacked(export->settings[i], NULL);
        free(export->settings);
        buffer_deinit(&export->line);
        if (export->file && export->file != stdout)
                fclose(export->file);
}

static int parse(int argc, char **argv, Export *ret) {
        const struct {
                const char *name;
                const char **value;
        } options[] = { { "--from", &ret->from }, { "--until", &ret->until }, { "--folder", &ret->folder } };
        bool fhir = false;

        for (int i = 1; i < argc; i++) {
                const char **value = NULL;

                for (size_t j = 0; j < ELEMENTSOF(options); j++)
                        if (text_equal(argv[i], options[j].name))
                                value = options[j].value;
                if (value && i + 1 < argc)
                        *value = argv[++i];
                else if (text_equal(argv[i], "--fhir"))
                        fhir = true;
                else if (value || (argv[i][0] == '-' && argv[i][1]) || ret->path)
                        return audit_wrong_use(argv[0], value ? "an option wants a value" : "one word too many");
                else
                        ret->path = argv[i];
        }
        if (!fhir)
                return audit_wrong_use(argv[0], "say in which language: --fhir");
        return ret->path ? EXIT_DONE : audit_wrong_use(argv[0], "say where to: a file, or - for stdout");
}

int audit_export_command(const Context *context, int argc, char **argv) {
        _cleanup_(export_deinit) Export export = { .bus = NULL };
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(freep) char *folder = NULL;
        int r = parse(argc, argv, &export);

        if (r == EXIT_DONE)
                r = command_load_config(context, &config);
        if (r == EXIT_DONE)
                r = audit_folder(context, export.folder, &folder);
        if (r != EXIT_DONE)
                return r;
        if ((export.from && audit_moment(export.from, *context->zone, &export.from_at) < 0) ||
            (export.until && audit_moment(export.until, *context->zone, &export.until_at) < 0))
                return audit_wrong_use(argv[0], "a time is like 2026-03-01 or 2026-03-01T08:30");
        export.bus = config->bus;
        export.folder = folder;
        export.file = text_equal(export.path, "-") ? stdout : fopen(export.path, "wxe");
        if (!export.file) {
                error_print(PROGRAM, "cannot write %s: %s", export.path, strerror(errno));
                return EXIT_STORAGE;
        }
        r = export_walk(&export);
        if (r == EXIT_DONE && export.file != stdout)
                error_print(PROGRAM, "%" PRIu64 " events written to %s", export.written, export.path);
        return r;
}
