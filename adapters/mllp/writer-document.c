/*
 * MDM: a document, and whatever HL7 has no message for, in words. PPR and PGL: an item of a plan of care.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"

#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
#define LINES_MAX 4000

/* ---- what the document holds: OBX */

static OutSegment *content_segment(Out *out, unsigned number, const char *type) {
        OutSegment *obx = out_segment(out, "OBX");

        out_set(out, obx, 1, out_format(out, "%u", number));
        out_set(out, obx, 2, out_text(out, type));
        out_set(out, obx, 3, out_text(out, "text"));
        out_set(out, obx, 11, (char *)"F");
        return obx;
}

/* A line an OBX, as documents of text come: an empty line is one of a space. */
static unsigned lines_write(Out *out, const char *text, unsigned number) {
        for (size_t n; text && *text && number < LINES_MAX; text += n + (text[n] == '\n')) {
                OutSegment *obx = content_segment(out, ++number, "TX");
                char *line;

                n = strcspn(text, "\n");
                if (number == LINES_MAX)
                        n = strlen(text);
                line = out_format(out, "%.*s", (int)MIN(n, (size_t)INT32_MAX), text);
                out_set(out, obx, 5, line && *line ? out_words(out, line) : NULL);
        }
        return number;
}

static char *base64(Out *out, const uint8_t *data, size_t size) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char *text = out_alloc(out, (size + 2) / 3 * 4 + 1), *at = text;

        for (size_t i = 0; text && i < size; i += 3) {
                size_t n = MIN(size - i, (size_t)3);
                uint32_t bits = (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                                (n > 2 ? data[i + 2] : 0);

                *at++ = digits[bits >> 18];
                *at++ = digits[bits >> 12 & 63];
                *at++ = n > 1 ? digits[bits >> 6 & 63] : '=';
                *at++ = n > 2 ? digits[bits & 63] : '=';
        }
        return text;
}

/* application/pdf is AP^pdf to HL7 (table 0191). */
static const struct {
        const char *main, *said;
} main_types[] = {
        { "application", "AP" }, { "audio", "AU" },    { "image", "IM" },
        { "text", "TEXT" },      { "video", "VIDEO" }, { "multipart", "multipart" },
};

static void media_type_split(Out *out, const char *media_type, char **ret_main, char **ret_sub) {
        const char *slash = media_type ? strchr(media_type, '/') : NULL;

        *ret_main = (char *)(media_type ? "AP" : NULL);
        *ret_sub = out_text(out, slash ? slash + 1 : media_type);
        for (size_t i = 0; slash && i < ELEMENTSOF(main_types); i++)
                if (strlen(main_types[i].main) == (size_t)(slash - media_type) &&
                    strncasecmp(main_types[i].main, media_type, (size_t)(slash - media_type)) == 0)
                        *ret_main = (char *)main_types[i].said;
}

static unsigned enclosed_write(Out *out, const Carebus__V1__Document *document, unsigned number) {
        char *main, *sub;
        OutSegment *obx;

        media_type_split(out, document->media_type, &main, &sub);
        if (document->has_content && document->content.len > 0) {
                obx = content_segment(out, ++number, "ED");
                out_set(out, obx, 5,
                        OUT_COMPONENTS(out, NULL, main, sub, (char *)"Base64",
                                       base64(out, document->content.data, document->content.len)));
        } else if (document->url) {
                obx = content_segment(out, ++number, "RP");
                out_set(out, obx, 5, OUT_COMPONENTS(out, out_text(out, document->url), NULL, main, sub));
        }
        return number;
}

/* ---- TXA */

static void txa_times(Out *out, OutSegment *txa, const Carebus__V1__When *activity, const Carebus__V1__When *written) {
        out_set(out, txa, 4, out_when(out, activity));
        out_set(out, txa, 6, out_when(out, written));
}

static OutSegment *txa_open(Out *out) {
        OutSegment *txa = out_segment(out, "TXA");

        out_set(out, txa, 1, (char *)"1");
        return txa;
}

static OutSegment *txa_of_document(Out *out, const Carebus__V1__Document *document) {
        const char *reason = document->cancel_reason ? coded_words(document->cancel_reason) : document->description;
        OutSegment *txa = txa_open(out);

        fields_write(out, txa, &table_txa, document, NULL);
        for (size_t i = 0; i < document->n_authors; i++)
                out_repeat(out, txa, 9, out_practitioner(out, document->authors[i]));
        if (txa && !txa->fields[12])
                out_set(out, txa, 12, out_own_entity(out));
        if (document->n_replaces)
                out_set(out, txa, 13, out_entity(out, document->replaces[0]));
        out_set(out, txa, 14, out_entity(out, out->event->order_id));
        out_set(out, txa, 21, out_text(out, reason));
        if (txa && !txa->fields[17]) /* HL7 table 0271; AU and LA would say that somebody signed it */
                out_set(out, txa, 17, (char *)"DO");
        return txa;
}

/* T02 and its kind enclose something; a document without is a notification of it. */
static void without_content(Out *out) {
        static const struct {
                const char *with, *without;
        } pairs[] = { { "MDM^T02", "MDM^T01" },
                      { "MDM^T10", "MDM^T09" },
                      { "MDM^T04", "MDM^T03" },
                      { "MDM^T08", "MDM^T07" },
                      { "MDM^T06", "MDM^T05" } };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
                if (strcmp(pairs[i].with, out->message) == 0) {
                        out->message = pairs[i].without;
                        return;
                }
}

static void head_write(Out *out) {
        evn_write(out);
        person_write(out, NULL);
        visit_write(out, NULL);
}

static void enclosed_document_write(Out *out) {
        const Carebus__V1__Document *document = out->event->document;
        bool is_cancelled = strcmp(out->message, "MDM^T11") == 0;
        unsigned number = 0;
        OutSegment *txa;

        if ((document->has_content && document->content.len) || document->url || document->content_text) {
                if (is_cancelled)
                        out->message = "MDM^T11";
        } else
                without_content(out);
        head_write(out);
        txa = txa_of_document(out, document);
        if (is_cancelled && txa && !document->identifier)
                out_lacks(out, "TXA-12");
        notes_write(out, out->event->n_notes, out->event->notes);
        if (is_cancelled)
                return;
        if (document->content_text && !document->has_content)
                number = lines_write(out, document->content_text, number);
        (void)enclosed_write(out, document, number);
}

/*
 * What has no message of its own: a document of text, which says what it is in its type, with our number for it: what comes back
 * under that is known.
 */
static void words_write(Out *out) {
        const Carebus__V1__Event *event = out->event;
        OutSegment *txa;
        char *words;

        out->message = strncmp(out->message, "MDM", 3) == 0 ? out->message : "MDM^T02";
        head_write(out);
        txa = txa_open(out);
        out_set(out, txa, 2,
                OUT_COMPONENTS(out, out_text(out, event->type), out_text(out, type_words(out, event->type))));
        out_set(out, txa, 3, (char *)"TX");
        txa_times(out, txa, event->occurred_at, event->recorded_at ?: event->occurred_at);
        if (event->author)
                out_set(out, txa, 9,
                        OUT_COMPONENTS(out, out_text(out, event->author->person),
                                       out_text(out, event->author->person_name)));
        out_set(out, txa, 12, out_own_entity(out));
        out_set(out, txa, 17, (char *)"DO");
        out_set(out, txa, 19, (char *)"AV");
        words = event_words(out, event);
        (void)lines_write(out, words, 0);
}

void document_write(Out *out) {
        if (out->event->body_case == CAREBUS__V1__EVENT__BODY_DOCUMENT && out->event->document)
                enclosed_document_write(out);
        else
                words_write(out);
}

/* ---- plans: an item is a problem, or a goal */

static const struct {
        Carebus__V1__Action action;
        const char *problem, *goal, *code; /* HL7 table 0287 */
} plan_messages[] = {
        { CAREBUS__V1__ACTION__ACTION_NEW, "PPR^PC1", "PGL^PC6", "AD" },
        { CAREBUS__V1__ACTION__ACTION_UPDATE, "PPR^PC2", "PGL^PC7", "UP" },
        { UNDONE, "PPR^PC3", "PGL^PC8", "DE" },
};

static void item_write(Out *out, const Carebus__V1__CarePlanItem *item, const char *action, bool is_goal) {
        OutSegment *segment = out_segment(out, is_goal ? "GOL" : "PRB");

        fields_write(out, segment, is_goal ? &table_gol : &table_prb, item, NULL);
        out_set(out, segment, 1, out_text(out, action));
        out_set(out, segment, 2, out_when(out, out->event->occurred_at) ?: out_when(out, out->event->recorded_at));
        if (item->period) {
                out_set(out, segment, 7, out_when(out, item->period->start));
                out_set(out, segment, is_goal ? 8 : 9, out_when(out, item->period->end));
        }
}

static void responsible_write(Out *out, const Carebus__V1__CarePlanItem *item) {
        OutSegment *rol;

        if (!item->responsible)
                return;
        rol = out_segment(out, "ROL");
        out_set(out, rol, 2, (char *)"AD");
        out_set(out, rol, 3, out_coded(out, NULL, item->responsible->role));
        out_set(out, rol, 4, out_practitioner(out, item->responsible));
}

void plan_write(Out *out) {
        const Carebus__V1__CarePlan *plan = out->event->care_plan;
        const Carebus__V1__CarePlanItem *item = plan && plan->n_items ? plan->items[0] : NULL;
        bool is_goal = item && !item->problem;
        const char *action = "UP";

        for (size_t i = 0; i < ELEMENTSOF(plan_messages); i++)
                if (out->event->has_action && plan_messages[i].action == out->event->action) {
                        out->message = is_goal ? plan_messages[i].goal : plan_messages[i].problem;
                        action = plan_messages[i].code;
                }
        person_write(out, NULL);
        if (out->event->encounter_id)
                visit_write(out, NULL);
        if (!item)
                return;
        item_write(out, item, action, is_goal);
        notes_write(out, out->event->n_notes, out->event->notes);
        responsible_write(out, item);
        if (plan->identifier || plan->type) {
                OutSegment *pth = out_segment(out, "PTH");

                out_set(out, pth, 1, out_text(out, action));
                out_set(out, pth, 2, out_coded(out, "care_plan.type", plan->type));
                out_set(out, pth, 3, out_entity(out, plan->identifier));
                out_set(out, pth, 5, out_coded(out, NULL, plan->original_status));
        }
}
