/* Who is connected, as which source. */
#include "daemon/peer/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static ZRoute route_of(uint32_t number) {
        ZRoute route = { .size = 5 };

        memcpy(route.data + 1, &number, sizeof(number));
        return route;
}

static void test_session_is_found_by_door_and_route_only(void **state) {
        _cleanup_(sessions_freep) Sessions *sessions = NULL;
        SourcePeer source = { .name = "pas" };
        Session *session;

        assert_int_equal(sessions_new(&sessions), 0);
        for (uint32_t i = 0; i < 1000; i++) {
                ZRoute route = route_of(i * 3);
                assert_int_equal(sessions_add(sessions, (uint8_t)(i % 2), &route, "unix:0", &source, &session), 0);
                assert_int_equal(session->answering, 1);
        }
        assert_int_equal(sessions_count(sessions), 1000);
        assert_int_equal(source.n_sessions, 1000);
        for (uint32_t i = 0; i < 1000; i++) {
                ZRoute route = route_of(i * 3), other = route_of(i * 3 + 1);
                assert_non_null(sessions_find(sessions, (uint8_t)(i % 2), &route));
                assert_null(sessions_find(sessions, (uint8_t)(1 - i % 2), &route));
                assert_null(sessions_find(sessions, (uint8_t)(i % 2), &other));
        }
}

static void test_closed_session_is_not_found_and_its_memory_stays_until_it_is_swept(void **state) {
        _cleanup_(sessions_freep) Sessions *sessions = NULL;
        SourcePeer source = { .name = "pas" };
        ZRoute route = route_of(7);
        Session *session, *again;

        assert_int_equal(sessions_new(&sessions), 0);
        assert_int_equal(sessions_add(sessions, 0, &route, "unix:0", &source, &session), 0);
        sessions_close(sessions, session);
        sessions_close(sessions, session);
        assert_null(sessions_find(sessions, 0, &route));
        assert_true(session->closed);
        assert_int_equal(source.n_sessions, 0);
        assert_int_equal(sessions_add(sessions, 0, &route, "unix:0", &source, &again), 0);
        assert_ptr_equal(sessions_find(sessions, 0, &route), again);
        sessions_sweep(sessions);
        assert_ptr_equal(sessions_find(sessions, 0, &route), again);
}

static void test_sessions_of_an_identity_are_counted_over_all_sources(void **state) {
        _cleanup_(sessions_freep) Sessions *sessions = NULL;
        SourcePeer one = { .name = "pas" }, two = { .name = "lab" };
        Session *session;

        assert_int_equal(sessions_new(&sessions), 0);
        for (uint32_t i = 0; i < 10; i++) {
                ZRoute route = route_of(i);
                assert_int_equal(sessions_add(sessions, 0, &route, i < 4 ? "unix:1" : "unix:12", i % 2 ? &one : &two,
                                              &session),
                                 0);
        }
        assert_int_equal(sessions_count_identity(sessions, "unix:1"), 4);
        assert_int_equal(sessions_count_identity(sessions, "unix:12"), 6);
        assert_int_equal(sessions_count_identity(sessions, "unix:2"), 0);
}

/* ---- sources over reloads */

static void note_gone(SourcePeer *peer, void *owner) {
        snprintf(owner, 64, "%s", peer->name);
}

static Config config_of(ConfigSource *sources, size_t n, const char *const *names) {
        memset(sources, 0, n * sizeof(*sources));
        for (size_t i = 0; i < n; i++)
                sources[i].name = (char *)(uintptr_t)names[i];
        return (Config){ .sources = sources, .n_sources = n };
}

static void test_counts_of_a_source_go_on_over_a_reload_whatever_its_place(void **state) {
        _cleanup_(source_peers_deinit) SourcePeers peers = SOURCE_PEERS_NULL;
        ConfigSource sources[3];
        Config config = config_of(sources, 2, (const char *const[]){ "pas", "lab" });
        char gone[64] = "";

        assert_int_equal(source_peers_update(&peers, &config, 0, note_gone, gone), 0);
        source_peers_find(&peers, "pas")->stored = 7;
        source_peers_find(&peers, "lab")->stored = 9;
        config = config_of(sources, 3, (const char *const[]){ "csv", "lab", "pas" });
        assert_int_equal(source_peers_update(&peers, &config, 0, note_gone, gone), 0);
        assert_string_equal(gone, "");
        assert_int_equal(source_peers_find(&peers, "pas")->stored, 7);
        assert_int_equal(source_peers_find(&peers, "pas")->index, 2);
        assert_int_equal(source_peers_find(&peers, "lab")->stored, 9);
        assert_int_equal(source_peers_find(&peers, "csv")->stored, 0);
}

static void test_source_that_went_is_handed_over_before_it_is_freed(void **state) {
        _cleanup_(source_peers_deinit) SourcePeers peers = SOURCE_PEERS_NULL;
        ConfigSource sources[2];
        Config config = config_of(sources, 2, (const char *const[]){ "pas", "lab" });
        char gone[64] = "";

        assert_int_equal(source_peers_update(&peers, &config, 0, note_gone, gone), 0);
        config = config_of(sources, 1, (const char *const[]){ "lab" });
        assert_int_equal(source_peers_update(&peers, &config, 0, note_gone, gone), 0);
        assert_string_equal(gone, "pas");
        assert_null(source_peers_find(&peers, "pas"));
        assert_int_equal(peers.n_items, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_session_is_found_by_door_and_route_only),
                cmocka_unit_test(test_closed_session_is_not_found_and_its_memory_stays_until_it_is_swept),
                cmocka_unit_test(test_sessions_of_an_identity_are_counted_over_all_sources),
                cmocka_unit_test(test_counts_of_a_source_go_on_over_a_reload_whatever_its_place),
                cmocka_unit_test(test_source_that_went_is_handed_over_before_it_is_freed),
        };

        return cmocka_run_group_tests_name("peer session", tests, NULL, NULL);
}
