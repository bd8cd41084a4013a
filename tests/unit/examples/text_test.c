/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

#include "common/mem.h"
#include "shim.h"

static void a_url_is_shown_without_its_secrets(void)
{
    static const struct {
        const char *url, *shown;
    } rows[] = {
        {"sqlite:/var/lib/a@b?c.db", "sqlite:/var/lib/a@b?c.db"},
        {"mem:", "mem:"},
        {"postgres://host/ci", "postgres://host/ci"},
        {"postgres://ann:se@cret@host:5432/ci?password=two", "postgres://host:5432/ci"},
        {"postgresql://ann@/ci@home", "postgresql:///ci@home"},
        {"postgresql://?user=ann&password=x", "postgresql://"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text shown = {NULL, 0, 0};
        text_put_url(&shown, rows[i].url);
        CU_ASSERT_STRING_EQUAL(text_get(&shown), rows[i].shown);
        text_deinit(&shown);
    }
}

static const struct test tests[] = {
    {"a URL is shown without its secrets", a_url_is_shown_without_its_secrets},
};
TEST_MAIN(tests)
