#pragma once
/*
 * One request after the other, by libcurl, which nobody else includes. No thread of ours: the loop watches one descriptor. Follows no
 * redirect: where the token goes is said in the configuration.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct Fetch Fetch;

typedef struct FetchRequest {
        const char *url;
        const char *token;             /* bearer; or NULL */
        const char *authority;         /* PEM file of who is trusted; NULL: the system's */
        Bytes post;                    /* its body, as FHIR JSON, which stays until the end; no data: a GET */
        const char *certificate, *key; /* PEM files: who we are; or NULL */
        const char *prefer;            /* Prefer of the request; or NULL */
        uint64_t timeout;              /* seconds; 0: two minutes */
} FetchRequest;

typedef struct FetchResult {
        unsigned status;     /* 0: there was no whole answer */
        const char *failure; /* why not; a static text; NULL where there was */
        bool never_left;     /* no connection: nobody has seen the request */
        bool is_json;        /* the Content-Type says so */
        int64_t retry_after; /* seconds; 0: not said */
        Bytes body;          /* until the next request */
} FetchResult;

/* Positive returns. */
enum {
        _FETCH_E_SUCCESS,
        FETCH_E_WORKING,   /* not finished yet */
        FETCH_E_ELSEWHERE, /* another server */
};

int fetch_new(Fetch **ret);
Fetch *fetch_free(Fetch *fetch);
DEFINE_CLEANUP(Fetch *, fetch_free)

/* Begins; ends what was not finished. */
int fetch_begin(Fetch *fetch, const FetchRequest *request);
/* 0 with the result once, FETCH_E_WORKING, or a negative errno. */
int fetch_work(Fetch *fetch, FetchResult *ret);
/* Ends what was not finished. */
void fetch_cancel(Fetch *fetch);
int fetch_fd(const Fetch *fetch);
/* Milliseconds after which fetch_work() is to be called; -1: no limit. */
int fetch_timeout(const Fetch *fetch);

/* Where `link` leads, said on the page `from`. On the heap. FETCH_E_ELSEWHERE: scheme, host or port are others. */
int fetch_follow(const char *from, const char *link, char **ret);
