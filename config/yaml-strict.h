#pragma once
/*
 * What the YAML standard refuses and libyaml takes: a comment without a space before it, lines of a bracket or a quotation that
 * are not indented, a lone hyphen in brackets. Each is understood in one way by one reader and in another by the next, which
 * is no quality in a configuration.
 */
#include "base/bytes.h"
#include "config/problem.h"

typedef struct YamlStrict {
        Bytes text;
        size_t index, offset; /* how far it was looked at, in characters and in bytes */
        size_t n_flows;       /* open brackets */
        size_t flow_offset;   /* of the outermost one */
        int flow_indent;
} YamlStrict;

typedef enum YamlStretchKind {
        YAML_STRETCH_PLAIN,
        YAML_STRETCH_QUOTED,
        YAML_STRETCH_BLOCK, /* | and > */
        YAML_STRETCH_OPEN,  /* [ or { */
        YAML_STRETCH_CLOSE,
} YamlStretchKind;

/* What libyaml made of a stretch of the text. */
typedef struct YamlStretch {
        YamlStretchKind kind;
        size_t start, end; /* in characters */
        int indent;        /* column of the innermost block collection around it, -1 for none */
} YamlStretch;

/* Stretches in the order of the text. 0 or CONFIG_E_INVALID with a problem. */
int yaml_strict_see(YamlStrict *strict, Report *report, size_t file, const YamlStretch *stretch);
/* What is behind the last stretch. */
int yaml_strict_end(YamlStrict *strict, Report *report, size_t file);
/* Whether the character at a place is a tab. */
bool yaml_strict_is_tab(const YamlStrict *strict, Place place);
