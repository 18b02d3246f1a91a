/*
 * Documents: MDM, and what an OBX encloses. The content stays in the original, which the bus keeps as it came; the event says
 * where in it the content stands, what it is, how long, and by which hash it can be told again.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"
#include "base/sha256.h"
#include "base/text.h"

#define DOC Carebus__V1__Document
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

/* ---- enclosed content: ED */

/* ED-2 and ED-3 to a media type: main types of HL7 table 0191 and what senders write in their place. */
static const struct {
        const char *said, *type;
} main_types[] = {
        { "AP", "application" }, { "APPLICATION", "application" },
        { "AU", "audio" },       { "AUDIO", "audio" },
        { "IM", "image" },       { "IMAGE", "image" },
        { "SI", "image" },       { "TX", "text" },
        { "TEXT", "text" },      { "FT", "text" },
        { "VIDEO", "video" },    { "MULTIPART", "multipart" },
};
static const struct {
        const char *said, *type;
} known_subtypes[] = {
        { "PDF", "application/pdf" },
        { "JPEG", "image/jpeg" },
        { "JPG", "image/jpeg" },
        { "PNG", "image/png" },
        { "GIF", "image/gif" },
        { "TIFF", "image/tiff" },
        { "TIF", "image/tiff" },
        { "RTF", "application/rtf" },
        { "HTML", "text/html" },
        { "XML", "text/xml" },
        { "MSWORD", "application/msword" },
        { "DICOM", "application/dicom" },
        { "PLAIN", "text/plain" },
        { "TXT", "text/plain" },
        { "ZIP", "application/zip" },
        { "OCTET-STREAM", "application/octet-stream" },
};

static char *lowered(Translation *t, const char *text) {
        char *copy = draft_text(&t->draft, text, strlen(text));

        for (char *at = copy; at && *at; at++)
                if (*at >= 'A' && *at <= 'Z')
                        *at = (char)(*at - 'A' + 'a');
        return copy;
}

static char *media_type_of(Translation *t, const char *type, const char *subtype) {
        const char *word = subtype ?: type;

        for (size_t i = 0; i < 2; i++)
                if ((i ? subtype : type) && strchr(i ? subtype : type, '/'))
                        return lowered(t, i ? subtype : type);
        for (size_t i = 0; type && subtype && i < ELEMENTSOF(main_types); i++)
                if (strcasecmp(main_types[i].said, type) == 0) {
                        char *low = lowered(t, subtype);

                        /* JPG and TIF are names of files, no media types: their own rows know better. */
                        if (low && strcmp(low, "jpg") != 0 && strcmp(low, "tif") != 0 && strcmp(low, "txt") != 0)
                                return draft_format(&t->draft, "%s/%s", main_types[i].type, low);
                }
        for (size_t i = 0; word && i < ELEMENTSOF(known_subtypes); i++)
                if (strcasecmp(known_subtypes[i].said, word) == 0)
                        return (char *)known_subtypes[i].type;
        return NULL;
}

/* A decoder is fed the text and gives its bytes to the hash, piece by piece: a document may be as large as a message. */
typedef struct Decoder {
        Sha256 *sha;
        uint64_t size;
        uint8_t bytes[4096];
        size_t n;
        uint32_t bits;
        unsigned n_bits, n_pads;
} Decoder;

static void decoder_flush(Decoder *decoder) {
        sha256_add(decoder->sha, decoder->bytes, decoder->n);
        decoder->size += decoder->n;
        decoder->n = 0;
}

static void decoder_put(Decoder *decoder, uint8_t byte) {
        if (decoder->n == sizeof(decoder->bytes))
                decoder_flush(decoder);
        decoder->bytes[decoder->n++] = byte;
}

static bool is_blank(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static int digit_of_64(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* RFC 4648, either alphabet, line ends within. SIZE_MAX, or where it is no longer any. */
static size_t decode_base64(Decoder *decoder, const char *text) {
        size_t i, n_digits = 0;

        for (i = 0; text[i]; i++) {
                int digit = digit_of_64(text[i]);

                if (is_blank(text[i]))
                        continue;
                if (text[i] == '=' && n_digits % 4 >= 2 && decoder->n_pads < 4 - n_digits % 4) {
                        decoder->n_pads++;
                        continue;
                }
                if (digit < 0 || decoder->n_pads > 0)
                        return i;
                n_digits++;
                decoder->bits = decoder->bits << 6 | (uint32_t)digit;
                decoder->n_bits += 6;
                if (decoder->n_bits >= 8) {
                        decoder->n_bits -= 8;
                        decoder_put(decoder, (uint8_t)(decoder->bits >> decoder->n_bits));
                }
        }
        /* One digit alone is no byte, and a pad that is there must be whole. */
        if (n_digits % 4 == 1 || (decoder->n_pads > 0 && (n_digits + decoder->n_pads) % 4 != 0))
                return i;
        return SIZE_MAX;
}

static size_t decode_hex(Decoder *decoder, const char *text) {
        static const char digits[] = "0123456789abcdef";
        size_t i;

        for (i = 0; text[i]; i++) {
                char low = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
                const char *found = strchr(digits, low);

                if (is_blank(text[i]))
                        continue;
                if (!found)
                        return i;
                decoder->bits = decoder->bits << 4 | (uint32_t)(found - digits);
                decoder->n_bits += 4;
                if (decoder->n_bits == 8) {
                        decoder->n_bits = 0;
                        decoder_put(decoder, (uint8_t)decoder->bits);
                }
        }
        return decoder->n_bits == 0 ? SIZE_MAX : i;
}

static size_t decode_text(Decoder *decoder, const char *text) {
        for (; *text; text++)
                decoder_put(decoder, (uint8_t)*text);
        return SIZE_MAX;
}

/* HL7 table 0299. */
static const struct {
        const char *said;
        size_t (*decode)(Decoder *decoder, const char *text);
        const char *problem;
} encodings[] = {
        { "Base64", decode_base64, "bad-base64" },
        { "B64", decode_base64, "bad-base64" },
        { "Hex", decode_hex, "bad-hex" },
        { "A", decode_text, NULL },
        { "", decode_text, NULL },
};

/* What the content is told again by. */
typedef struct Digest {
        uint8_t sha256[SHA256_SIZE];
        uint64_t size;
        size_t bad_at; /* the first character that cannot be decoded; SIZE_MAX: none */
} Digest;

static int digest_make(size_t (*decode)(Decoder *decoder, const char *text), const char *text, Digest *ret) {
        _cleanup_(sha256_freep) Sha256 *sha = NULL;
        Decoder decoder = { .n = 0 };
        int r;

        r = sha256_new(&sha);
        if (r < 0)
                return r;
        decoder.sha = sha;
        ret->bad_at = decode(&decoder, text);
        decoder_flush(&decoder);
        sha256_end(sha, ret->sha256);
        ret->size = decoder.size;
        return 0;
}

static void document_set_digest(Translation *t, DOC *document, const Digest *digest) {
        document->sha256.data = draft_alloc(&t->draft, SHA256_SIZE);
        if (!document->sha256.data)
                return;
        memcpy(document->sha256.data, digest->sha256, SHA256_SIZE);
        document->sha256.len = SHA256_SIZE;
        document->has_sha256 = document->has_size = true;
        document->size = digest->size;
}

static void content_decode(Translation *t, const Hl7Segment *obx, DOC *document, size_t encoding) {
        Hl7Value data = hl7_component(t->message, hl7_field(t->message, obx, 5), 5);
        ArenaMark mark = arena_mark(t->draft.arena);
        char *text = hl7_text_whole(t->message, data, t->draft.arena);
        Digest digest;
        int r;

        r = text ? digest_make(encodings[encoding].decode, text, &digest) : -ENOMEM;
        arena_rewind(t->draft.arena, mark); /* it may have been as large as the message */
        if (r < 0) {
                t->draft.is_full = true;
                return;
        }
        if (digest.bad_at == SIZE_MAX)
                document_set_digest(t, document, &digest);
        else
                flaw_note(t, encodings[encoding].problem,
                          draft_format(&t->draft, "%s.5 character %zu", translation_position(t, obx, 5),
                                       digest.bad_at + 1));
}

static void content_read(Translation *t, const Hl7Segment *obx, DOC *document) {
        Hl7Value value = hl7_field(t->message, obx, 5);
        char *type = value_text(t, hl7_component(t->message, value, 2));
        char *subtype = value_text(t, hl7_component(t->message, value, 3));
        const char *said = value_text(t, hl7_component(t->message, value, 4)) ?: "";
        size_t encoding = 0;

        document->media_type = media_type_of(t, type, subtype);
        if (hl7_presence(hl7_component(t->message, value, 5)) != HL7_PRESENT)
                return;
        document->original_part = (char *)translation_position(t, obx, 5);
        while (encoding < ELEMENTSOF(encodings) && strcasecmp(encodings[encoding].said, said) != 0)
                encoding++;
        if (encoding < ELEMENTSOF(encodings))
                content_decode(t, obx, document, encoding);
        else
                flaw_note(t, "unknown-encoding", draft_format(&t->draft, "%s.4", translation_position(t, obx, 5)));
}

/* RP: where it lies, and what it is. */
static void pointer_read(Translation *t, const Hl7Segment *obx, DOC *document) {
        Hl7Value value = hl7_field(t->message, obx, 5);

        document->url = value_text_whole(t, hl7_component(t->message, value, 1));
        document->media_type = media_type_of(t, value_text(t, hl7_component(t->message, value, 3)),
                                             value_text(t, hl7_component(t->message, value, 4)));
}

/* ---- a document within a result */

static void organisation_set(Translation *t, DOC *document, const Carebus__V1__Observation *o) {
        draft_append(&t->draft, &document->n_authors, &document->authors, o->performer);
        document->custodian = o->performer_organisation;
}

static void document_event(Translation *t, Patient *patient, DOC *document, const char *type,
                           Carebus__V1__Action action) {
        Carebus__V1__Event *event = patient_event(t, patient, type, action);

        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_DOCUMENT;
        event->document = document;
        event->document_id = document->identifier;
        event->occurred_at = when_first(
                (Carebus__V1__When *const[]){ document->activity_at, document->written_at, event->occurred_at }, 3);
        event_set_author(t, event, document->n_authors ? document->authors[0] : NULL,
                         document->custodian ? document->custodian->name : NULL);
}

void document_of_observed(Translation *t, Patient *patient, const Observed *observed) {
        DOC *document = draft_message(&t->draft, &carebus__v1__document__descriptor);
        const Carebus__V1__Observation *o = observed->observation;
        size_t n_before = t->draft.n_events;
        const char *type = "document.available";

        if (!document)
                return;
        if (observed->action == UNDONE)
                type = "document.cancelled";
        else if (o->status && strcmp(o->status, "corrected") == 0)
                type = "document.replaced";
        document->identifier = o->identifier ?: o->report;
        document->type = o->code;
        document->title = o->code->text;
        document->status = (char *)(observed->action == UNDONE ? "entered-in-error" : "current");
        document->written_at = o->observed_at;
        document->description = notes_text(t, &observed->notes);
        organisation_set(t, document, o);
        if (strcasecmp(observed->type, "RP") == 0)
                pointer_read(t, observed->obx, document);
        else
                content_read(t, observed->obx, document);
        document_event(t, patient, document, type, observed->action);
        if (t->draft.n_events == n_before)
                return;
        t->draft.events[n_before]->order_id = o->order;
        event_end(t, t->draft.events[n_before], NULL);
        decision_of_document(t, patient, t->draft.events[n_before]);
}

/* ---- MDM */

static const FieldRow txa_rows[] = {
        ROW_SKIP(1),
        ROW_SKIP(3), /* which kind of OBX follow: they say it themselves */
        ROW_ONE(2, FIELD_CODED, DOC, type),
        ROW_ONE(4, FIELD_WHEN, DOC, activity_at),
        ROW_ONE(6, FIELD_WHEN, DOC, written_at),
        ROW_ONE(8, FIELD_WHEN, DOC, edited_at),
        ROW_ONE(12, FIELD_ENTITY, DOC, identifier),
        ROW_ONE(16, FIELD_TEXT, DOC, file_name),
        ROW_ONE(17, FIELD_CODED, DOC, completion),
        ROW_ONE(18, FIELD_CODED, DOC, confidentiality),
        ROW_ONE(19, FIELD_CODED, DOC, availability),
        ROW_ONE(22, FIELD_PRACTITIONER, DOC, authenticator),
        ROW_ONE(10, FIELD_PRACTITIONER, DOC, authenticator),
        ROW_ONE(25, FIELD_TEXT, DOC, title),
        ROW_ONE(27, FIELD_ORGANISATION_NAME, DOC, custodian),
        ROW_ONE(28, FIELD_CODED, DOC, practice_setting),
};
const FieldTable table_txa = { "TXA", txa_rows, ELEMENTSOF(txa_rows) };

/* TXA-19 where it says more than the trigger: HL7 table 0273. */
static const struct {
        const char *availability;
        const char *status;
} availabilities[] = { { "AV", "current" }, { "OB", "superseded" }, { "CA", "cancelled" }, { "UN", "current" } };

static void status_read(DOC *document, const TriggerRow *row) {
        document->status = (char *)row->status;
        for (size_t i = 0; strcmp(row->status, "current") == 0 && i < ELEMENTSOF(availabilities); i++)
                if (coded_says(document->availability, availabilities[i].availability))
                        document->status = (char *)availabilities[i].status;
}

/* An addendum stands beside its parent; only an edit or a replacement stands in its place. */
static bool is_addendum(const TriggerRow *row) {
        return strcmp(row->event, "T05") == 0 || strcmp(row->event, "T06") == 0;
}

static DOC *txa_read(Translation *t, const Hl7Segment *txa, const TriggerRow *row) {
        DOC *document = draft_message(&t->draft, &carebus__v1__document__descriptor);
        Carebus__V1__Coded *reason;

        if (!document)
                return NULL;
        fields_apply(t, txa, txa_rows, ELEMENTSOF(txa_rows), document, "document", /* cleared= */ NULL);
        practitioners_add(t, hl7_field(t->message, txa, 9), &document->n_authors, &document->authors);
        if (document->n_authors == 0)
                practitioners_add(t, hl7_field(t->message, txa, 5), &document->n_authors, &document->authors);
        if (!is_addendum(row))
                draft_append(&t->draft, &document->n_replaces, &document->replaces,
                             value_entity(t, hl7_field(t->message, txa, 13)));
        reason = coded_of_text(t, value_text_whole(t, hl7_field(t->message, txa, 21)));
        if (row->action == UNDONE)
                document->cancel_reason = reason;
        else if (reason)
                document->description = reason->text;
        status_read(document, row);
        return document;
}

/* Lines of text are the document; any other value beside them is a finding of its own. */
static bool is_line(const Observed *observed) {
        static const char *const lines[] = { "TX", "FT", "ST", "" };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                if (strcasecmp(observed->type, lines[i]) == 0)
                        return true;
        return false;
}

typedef struct Contents {
        const Hl7Segment *enclosed; /* the first ED or RP */
        const Hl7Segment *line;     /* the first line of text */
        NoteList lines;             /* of text, and the comments under them */
} Contents;

static void text_set(Translation *t, DOC *document, const Contents *contents) {
        char *text = notes_text(t, &contents->lines);
        Digest digest;

        if (!text)
                return;
        document->content_text = text;
        document->media_type = (char *)"text/plain";
        document->original_part = (char *)translation_position(t, contents->line, 5);
        if (digest_make(decode_text, text, &digest) < 0)
                t->draft.is_full = true;
        else
                document_set_digest(t, document, &digest);
}

static void line_add(Translation *t, Contents *contents, const Observed *observed) {
        Carebus__V1__Text *line = draft_message(&t->draft, &carebus__v1__text__descriptor);

        if (!line || !observed->observation->value_text)
                return;
        contents->line = contents->line ?: observed->obx;
        line->text = observed->observation->value_text;
        draft_append(&t->draft, &contents->lines.n, &contents->lines.texts, line);
}

/* A further rendition of the same document, in an OBX of its own. */
static void rendition_event(Translation *t, Patient *patient, const DOC *first, const Observed *observed,
                            const TriggerRow *row) {
        DOC *document = draft_message(&t->draft, &carebus__v1__document__descriptor);

        if (!document)
                return;
        *document = *first;
        document->has_sha256 = document->has_size = false;
        document->sha256 = (ProtobufCBinaryData){ .len = 0 };
        document->content_text = document->url = document->original_part = NULL;
        if (!observed->observation->identifier && first->identifier) {
                document->identifier = draft_message(&t->draft, &carebus__v1__identifier__descriptor);
                if (!document->identifier)
                        return;
                *document->identifier = *first->identifier;
                document->identifier->value = draft_format(&t->draft, "%s/%s", first->identifier->value,
                                                           translation_position(t, observed->obx, 0));
        } else
                document->identifier = observed->observation->identifier;
        if (strcasecmp(observed->type, "RP") == 0)
                pointer_read(t, observed->obx, document);
        else
                content_read(t, observed->obx, document);
        document_event(t, patient, document, row->type, row->action);
        if (t->draft.n_events > 0)
                event_end(t, t->draft.events[t->draft.n_events - 1], NULL);
}

static void contents_read(Translation *t, Patient *patient, const TriggerRow *row, DOC *document, Contents *contents) {
        OrderGroup group = { .span = { .first = hl7_find(t->message, "TXA", 1) + 1, .end = patient->span.end } };
        Observed observed;

        for (const Hl7Segment *obx = span_find(group.span, "OBX"); obx && !t->draft.is_full && !t->draft.problem;
             obx = span_find_next(group.span, "OBX", observed.last)) {
                observed_read(t, &group, obx, &observed);
                if (!observed.observation)
                        return;
                if (is_line(&observed) && !decision_read(t, patient, &observed))
                        line_add(t, contents, &observed);
                else if (!observed_is_document(&observed) && !is_line(&observed))
                        observed_tell(t, patient, &observed);
                else if (observed_is_document(&observed) && contents->enclosed)
                        rendition_event(t, patient, document, &observed, row);
                else if (observed_is_document(&observed)) {
                        contents->enclosed = obx;
                        if (strcasecmp(observed.type, "RP") == 0)
                                pointer_read(t, obx, document);
                        else
                                content_read(t, obx, document);
                }
        }
}

void document_translate(Translation *t, const TriggerRow *row) {
        const Hl7Segment *txa = hl7_find(t->message, "TXA", 1);
        size_t at = t->draft.n_events;
        Contents contents = { 0 };
        NoteList notes = { 0 };
        Patient patient;
        DOC *document;

        if (patient_open(t, &patient) < 0)
                return;
        if (!txa) {
                draft_problem(&t->draft, "no-document", "TXA", /* urgent= */ false);
                return;
        }
        document = txa_read(t, txa, row);
        if (document && !document->identifier && row->action != CAREBUS__V1__ACTION__ACTION_NEW)
                draft_problem(&t->draft, "no-identifier", "TXA-12", /* urgent= */ false);
        if (!document || t->draft.problem)
                return;
        document_event(t, &patient, document, row->type, row->action);
        if (t->draft.n_events == at)
                return;
        contents_read(t, &patient, row, document, &contents);
        if (!contents.enclosed)
                text_set(t, document, &contents);
        else if (contents.lines.n > 0)
                document->content_text = notes_text(t, &contents.lines);
        notes_add(t, txa, patient.span, &notes);
        t->draft.events[at]->order_id = value_entity(t, hl7_field(t->message, txa, 14));
        event_end(t, t->draft.events[at], &notes);
        decision_of_document(t, &patient, t->draft.events[at]);
        patient_end(t, &patient);
}
