/* See the header. It looks at what lies between the stretches that libyaml understood, and at how their lines begin. */
#include "config/yaml-strict.h"

static Place place_of_offset(Bytes text, size_t file, size_t offset) {
        Place place = { .file = file, .line = 1, .column = 1 };
        for (size_t i = 0; i < offset && i < text.size; i++) {
                if (text.data[i] == '\n') {
                        place.line++;
                        place.column = 1;
                } else if ((text.data[i] & 0xc0) != 0x80)
                        place.column++;
        }
        return place;
}

/* Goes on to a character; stretches come in order, so the text is walked once. */
static size_t offset_of_index(YamlStrict *strict, size_t index) {
        while (strict->index < index && strict->offset < strict->text.size) {
                strict->offset++;
                while (strict->offset < strict->text.size && (strict->text.data[strict->offset] & 0xc0) == 0x80)
                        strict->offset++;
                strict->index++;
        }
        return strict->offset;
}

static bool is_space(uint8_t c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int check_comment_at(const YamlStrict *strict, Report *report, size_t file, size_t offset) {
        if (offset == 0 || is_space(strict->text.data[offset - 1]))
                return 0;
        report_error(report, place_of_offset(strict->text, file, offset),
                     "a comment begins here without a space before it");
        report_hint(report, "put a space before #, or quotes around the whole text if it belongs to it");
        return CONFIG_E_INVALID;
}

/* Between two stretches there are only indicators, spaces and comments. */
static int check_gap(const YamlStrict *strict, Report *report, size_t file, size_t start, size_t end) {
        const uint8_t *data = strict->text.data;
        for (size_t i = start; i < end; i++) {
                if (data[i] == '?' && i + 1 < strict->text.size && !is_space(data[i + 1])) {
                        report_error(report, place_of_offset(strict->text, file, i),
                                     "a question mark that is part of a text needs quotes around the text");
                        return CONFIG_E_INVALID;
                }
                if (data[i] != '#')
                        continue;
                int r = check_comment_at(strict, report, file, i);
                if (r != 0)
                        return r;
                while (i < end && data[i] != '\n')
                        i++;
        }
        return 0;
}

/* Lines behind the first stand deeper than the block around them, by spaces; a closing bracket alone may stand below it, as
 * everybody writes it. */
static int check_lines(const YamlStrict *strict, Report *report, size_t file, size_t start, size_t end, int indent,
                       bool is_flow) {
        const uint8_t *data = strict->text.data;
        for (size_t i = start; i < end; i++) {
                if (data[i] != '\n')
                        continue;
                size_t first = i + 1, spaces = 0;
                while (first + spaces < end && data[first + spaces] == ' ')
                        spaces++;
                size_t at = first + spaces;
                while (at < end && (data[at] == ' ' || data[at] == '\t' || data[at] == '\r'))
                        at++;
                if (at >= end || data[at] == '\n')
                        continue;
                if (is_flow && (data[at] == '#' || data[at] == ']' || data[at] == '}'))
                        continue;
                if ((int)spaces > indent)
                        continue;
                report_error(report, place_of_offset(strict->text, file, first + spaces),
                             "this line goes on with what began in line %u and has to be indented deeper",
                             place_of_offset(strict->text, file, start).line);
                if (is_flow)
                        report_hint(report, "put at least %d spaces before it", indent + 1);
                else
                        report_hint(report, "put at least %d spaces before it, or close the quotation mark of line %u",
                                    indent + 1, place_of_offset(strict->text, file, start).line);
                return CONFIG_E_INVALID;
        }
        return 0;
}

static int check_block_header(const YamlStrict *strict, Report *report, size_t file, size_t start, size_t end) {
        const uint8_t *data = strict->text.data;
        for (size_t i = start; i < end && data[i] != '\n'; i++)
                if (data[i] == '#')
                        return check_comment_at(strict, report, file, i);
        return 0;
}

/* The last line of a file, of nothing but spaces and without an end: whether it belongs to the text is read differently everywhere. */
static int check_block_end(const YamlStrict *strict, Report *report, size_t file, size_t start, size_t end) {
        size_t at = strict->text.size;
        while (at > start && strict->text.data[at - 1] == ' ')
                at--;
        if (end < at || at == strict->text.size || at == start || strict->text.data[at - 1] != '\n')
                return 0;
        report_error(report, place_of_offset(strict->text, file, at), "the file ends in a line of spaces");
        report_hint(report, "delete them");
        return CONFIG_E_INVALID;
}

static int check_block(const YamlStrict *strict, Report *report, size_t file, size_t start, size_t end) {
        int r = check_block_header(strict, report, file, start, end);
        return r != 0 ? r : check_block_end(strict, report, file, start, end);
}

static int check_stretch(YamlStrict *strict, Report *report, size_t file, const YamlStretch *stretch, size_t start,
                         size_t end) {
        switch (stretch->kind) {
        case YAML_STRETCH_PLAIN:
                if (end - start != 1 || strict->text.data[start] != '-')
                        return 0;
                report_error(report, place_of_offset(strict->text, file, start), "a hyphen alone is no value");
                report_hint(report, "put quotes around it if it is meant as text");
                return CONFIG_E_INVALID;
        case YAML_STRETCH_QUOTED:
                if (strict->n_flows > 0)
                        return 0;
                return check_lines(strict, report, file, start, end, stretch->indent, /* is_flow= */ false);
        case YAML_STRETCH_BLOCK:
                return check_block(strict, report, file, start, end);
        case YAML_STRETCH_OPEN:
                if (strict->n_flows++ == 0) {
                        strict->flow_offset = start;
                        strict->flow_indent = stretch->indent;
                }
                return 0;
        case YAML_STRETCH_CLOSE:
                if (--strict->n_flows > 0)
                        return 0;
                return check_lines(strict, report, file, strict->flow_offset, end, strict->flow_indent,
                                   /* is_flow= */ true);
        }
        return 0;
}

int yaml_strict_see(YamlStrict *strict, Report *report, size_t file, const YamlStretch *stretch) {
        if (stretch->end <= stretch->start || stretch->start < strict->index)
                return 0; /* a value that was left out */
        size_t before = strict->offset;
        size_t start = offset_of_index(strict, stretch->start);
        size_t end = offset_of_index(strict, stretch->end);
        int r = check_gap(strict, report, file, before, start);
        if (r != 0)
                return r;
        return check_stretch(strict, report, file, stretch, start, end);
}

int yaml_strict_end(YamlStrict *strict, Report *report, size_t file) {
        return check_gap(strict, report, file, strict->offset, strict->text.size);
}

bool yaml_strict_is_tab(const YamlStrict *strict, Place place) {
        size_t line = 1, column = 1;
        for (size_t i = 0; i < strict->text.size; i++) {
                if (line == place.line && column == place.column)
                        return strict->text.data[i] == '\t';
                if (strict->text.data[i] == '\n') {
                        line++;
                        column = 1;
                } else if ((strict->text.data[i] & 0xc0) != 0x80)
                        column++;
        }
        return false;
}
