#include "adapters/fhir/http.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define JSON_ALONE "This server speaks JSON: application/fhir+json"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* ---- names ---- */

static bool is_made_of(const char *text, const char *characters) {
        size_t size = strlen(text);
        return size > 0 && size <= ANSWER_NAME_MAX && strspn(text, characters) == size;
}

bool type_is_valid(const char *text) {
        return is_made_of(text, LETTERS) && text[0] >= 'A' && text[0] <= 'Z';
}

bool id_is_valid(const char *text) {
        return is_made_of(text, LETTERS DIGITS ".-");
}

static void name_set(char ret[ANSWER_NAME_MAX + 1], const char *text) {
        size_t size = strnlen(text, ANSWER_NAME_MAX);

        memcpy(ret, text, size);
        ret[size] = '\0';
}

bool etag_read(const char *text, char ret[ANSWER_NAME_MAX + 1]) {
        char version[ANSWER_NAME_MAX + 1];
        size_t size;

        if (strncasecmp(text, "W/", 2) == 0)
                text += 2;
        size = strlen(text);
        if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
                text++;
                size -= 2;
        }
        if (size == 0 || size > ANSWER_NAME_MAX)
                return false;
        memcpy(version, text, size);
        version[size] = '\0';
        if (!id_is_valid(version))
                return false;
        memcpy(ret, version, sizeof(version));
        return true;
}

/* ---- media types ---- */

/* The type itself, without parameters; parameters begin behind `size`. */
static size_t media_size(const char *text) {
        size_t size = strcspn(text, ";,");
        while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
                size--;
        return size;
}

static bool media_is(const char *text, const char *type) {
        return media_size(text) == strlen(type) && strncasecmp(text, type, strlen(type)) == 0;
}

static const char *skip_spaces(const char *text) {
        return text + strspn(text, " \t");
}

/* A parameter of a media type; `ret_size` without quotes. NULL: there is none. */
static const char *media_parameter(const char *text, const char *name, size_t *ret_size) {
        for (text = strchr(text, ';'); text; text = strchr(text, ';')) {
                text = skip_spaces(text + 1);
                if (strncasecmp(text, name, strlen(name)) != 0 || text[strlen(name)] != '=')
                        continue;
                text += strlen(name) + 1;
                if (*text == '"')
                        text++;
                *ret_size = strcspn(text, "\"; \t,");
                return text;
        }
        return NULL;
}

static bool parameter_is(const char *text, const char *name, const char *value, bool is_prefix) {
        size_t size;
        const char *said = media_parameter(text, name, &size);

        return !said || ((is_prefix ? size >= strlen(value) : size == strlen(value)) &&
                         strncasecmp(said, value, strlen(value)) == 0);
}

static int refuse(Answer *refusal, unsigned status, const char *code, const char *text) {
        answer_refuse(refusal, status, code, text);
        return ROUTE_E_REFUSED;
}

static int check_content(const HttpHead *head, Answer *refusal) {
        const char *type = head->content_type;

        if (head->content_encoding && strcasecmp(head->content_encoding, "identity") != 0)
                return refuse(refusal, 415, "not-supported", "Content-Encoding is not taken: send the body as it is.");
        if (!type)
                return refuse(refusal, 415, "not-supported", JSON_ALONE ". The request has no Content-Type.");
        if (!media_is(type, "application/fhir+json") && !media_is(type, "application/json"))
                return refuse(refusal, 415, "not-supported", JSON_ALONE ", and the Content-Type says something else.");
        if (!parameter_is(type, "charset", "utf-8", false))
                return refuse(refusal, 415, "not-supported", "JSON is UTF-8: send it without another charset.");
        if (!parameter_is(type, "fhirVersion", "4.0", true))
                return refuse(refusal, 415, "not-supported", "This server speaks FHIR R4: fhirVersion=4.0.");
        return 0;
}

typedef struct Accepts {
        bool fhir, plain, others;
} Accepts;

static Accepts accept_read(const char *text) {
        Accepts accepts = { 0 };

        for (const char *item = text; item; item = strchr(item, ',')) {
                item = skip_spaces(*item == ',' ? item + 1 : item);
                if (media_is(item, "application/fhir+json") || media_is(item, "*/*") || media_is(item, "application/*"))
                        accepts.fhir = true;
                else if (media_is(item, "application/json") || media_is(item, "text/json"))
                        accepts.plain = true;
                else if (media_size(item) > 0)
                        accepts.others = true;
        }
        return accepts;
}

/* _format beats Accept; a plus that was not encoded arrives as a blank. */
static Accepts format_read(const char *format) {
        static const char *const fhir[] = { "json", "application/fhir+json", "application/fhir json" };
        Accepts accepts = { .others = true };

        for (size_t i = 0; i < ELEMENTSOF(fhir); i++)
                accepts.fhir |= media_is(format, fhir[i]);
        accepts.plain = media_is(format, "application/json") || media_is(format, "text/json");
        return accepts;
}

static int check_accept(const HttpHead *head, Route *route, Answer *refusal) {
        Accepts accepts = { .fhir = true };

        if (head->format)
                accepts = format_read(head->format);
        else if (head->accept && head->accept[0])
                accepts = accept_read(head->accept);
        if (!accepts.fhir && !accepts.plain && accepts.others)
                return refuse(refusal, 406, "not-supported",
                              JSON_ALONE ", and nothing else is accepted by the request.");
        route->is_plain_json = refusal->is_plain_json = accepts.plain && !accepts.fhir;
        return 0;
}

static Prefer prefer_read(const char *text) {
        static const struct {
                const char *text;
                Prefer prefer;
        } known[] = {
                { "return=minimal", PREFER_MINIMAL },
                { "return=representation", PREFER_REPRESENTATION },
                { "return=OperationOutcome", PREFER_OUTCOME },
        };

        for (; text; text = strpbrk(text, ",;")) {
                text = skip_spaces(text + strspn(text, ",;"));
                for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                        size_t size = strlen(known[i].text);
                        if (strncasecmp(text, known[i].text, size) == 0 && strchr(" \t,;", text[size]))
                                return known[i].prefer;
                }
        }
        return PREFER_NOTHING;
}

/* ---- paths ---- */

typedef struct Row {
        const char *method;
        Interaction interaction;
} Row;

typedef struct Place {
        const char *allow; /* for who comes with another method */
        const char *text;
        const Row rows[2];
} Place;

static const Place place_metadata = { "GET, HEAD",
                                      "GET /metadata says what this server takes.",
                                      { { "GET", INTERACTION_METADATA }, { "HEAD", INTERACTION_METADATA } } };
static const Place place_base = { "POST",
                                  "This server takes Bundles here by POST, and gives nothing out.",
                                  { { "POST", INTERACTION_SYSTEM } } };
static const Place place_message = { "POST", "Messages are taken by POST.", { { "POST", INTERACTION_MESSAGE } } };
static const Place place_type = {
        "POST",
        "This server takes and does not give out: a resource is created here by POST; read and search at the source.",
        { { "POST", INTERACTION_CREATE } }
};
static const Place place_instance = { "PUT, DELETE",
                                      "This server takes and does not give out: a resource is taken here by PUT, "
                                      "whole, and entered in error by DELETE.",
                                      { { "PUT", INTERACTION_UPDATE }, { "DELETE", INTERACTION_DELETE } } };

/* Where a path leads; NULL: nowhere. `route` gets type and id. */
static const Place *find_place(const char *path, Route *route, bool *ret_bad_id) {
        char text[2 * ANSWER_NAME_MAX + 4], *slash;
        size_t size;

        path += strspn(path, "/");
        size = strlen(path);
        while (size > 0 && path[size - 1] == '/')
                size--;
        if (size == 0)
                return &place_base;
        if (size >= sizeof(text))
                return NULL;
        memcpy(text, path, size);
        text[size] = '\0';
        if (text_equal(text, "metadata"))
                return &place_metadata;
        if (text_equal(text, "$process-message"))
                return &place_message;
        slash = strchr(text, '/');
        if (slash)
                *slash = '\0';
        if (!type_is_valid(text))
                return NULL;
        name_set(route->type, text);
        if (!slash)
                return &place_type;
        if (slash[1] == '$' || slash[1] == '_' || strchr(slash + 1, '/'))
                return NULL;
        *ret_bad_id = !id_is_valid(slash + 1);
        if (!*ret_bad_id)
                name_set(route->id, slash + 1);
        return &place_instance;
}

static bool takes_body(Interaction interaction) {
        return interaction != INTERACTION_METADATA && interaction != INTERACTION_DELETE;
}

static int find_interaction(const HttpHead *head, Route *route, Answer *refusal) {
        bool bad_id = false;
        const Place *place = find_place(head->path, route, &bad_id);

        if (!place)
                return refuse(refusal, 404, "not-found",
                              "There is nothing at this path: see GET /metadata for what this server takes.");
        if (bad_id)
                return refuse(refusal, 400, "value",
                              "The id in the path is no id of FHIR: at most 64 of A-Z a-z 0-9 - and dot.");
        for (size_t i = 0; i < ELEMENTSOF(place->rows); i++)
                if (place->rows[i].method && text_equal(place->rows[i].method, head->method)) {
                        route->interaction = place->rows[i].interaction;
                        return 0;
                }
        refusal->allow = place->allow;
        return refuse(refusal, 405, "not-supported", place->text);
}

int route_request(const HttpHead *head, Route *ret, Answer *refusal) {
        Route route = { 0 };
        int r = check_accept(head, &route, refusal);

        if (r == 0)
                r = find_interaction(head, &route, refusal);
        if (r != 0)
                return r;
        if (head->has_search && (route.interaction == INTERACTION_UPDATE || route.interaction == INTERACTION_DELETE))
                return refuse(refusal, 412, "not-supported",
                              "Conditions in the query are not offered: name the resource by its id.");
        if (head->has_search && route.interaction == INTERACTION_CREATE)
                return refuse(refusal, 400, "not-supported",
                              "A condition of a create belongs into the header If-None-Exist, not into the query.");
        if (takes_body(route.interaction))
                r = check_content(head, refusal);
        if (r != 0)
                return r;
        route.prefer = prefer_read(head->prefer);
        *ret = route;
        return 0;
}

/* ---- If-None-Exist ---- */

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* In place. False: an escape that is none. */
static bool percent_decode(char *text) {
        char *to = text;

        for (; *text; text++) {
                int high, low;

                if (*text != '%') {
                        *to++ = *text == '+' ? ' ' : *text;
                        continue;
                }
                high = hex_value(text[1]);
                low = high < 0 ? -1 : hex_value(text[2]);
                if (low < 0 || (high == 0 && low == 0))
                        return false;
                *to++ = (char)(high << 4 | low);
                text += 2;
        }
        *to = '\0';
        return true;
}

int condition_read(const char *query, char **ret_system, char **ret_value) {
        static const char name[] = "identifier=";
        _cleanup_(freep) char *text = NULL, *value = NULL;
        char *bar;

        query += strspn(query, " ?");
        if (strncmp(query, name, strlen(name)) != 0 || strchr(query, '&'))
                return ROUTE_E_REFUSED;
        text = strdup(query + strlen(name));
        if (!text)
                return -ENOMEM;
        if (!percent_decode(text))
                return ROUTE_E_REFUSED;
        bar = strchr(text, '|');
        /* A comma means "one of several"; a value alone means any system: neither can be answered by what is remembered. */
        if (!bar || bar == text || !bar[1] || strchr(text, ','))
                return ROUTE_E_REFUSED;
        *bar = '\0';
        value = strdup(bar + 1);
        if (!value)
                return -ENOMEM;
        *ret_system = TAKE_PTR(text);
        *ret_value = TAKE_PTR(value);
        return 0;
}
