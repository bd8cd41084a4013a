/* SPDX-License-Identifier: Apache-2.0 */
/* What a correct store is: X(name, sentence). */
#ifndef ARC_SUITE_CASES_H
#define ARC_SUITE_CASES_H

/* clang-format off */
#define STORE_CONTRACT(X) \
    X(an_inserted_row_is_found, "a row that was inserted is found as it was") \
    X(a_second_insert_conflicts, "a second insert of the same key conflicts") \
    X(a_put_replaces, "a put inserts or replaces the whole row") \
    X(a_put_may_say_that_the_row_is_there, "a put that says its row is there need not be right") \
    X(an_update_checks_the_version, "an update happens only at the expected version") \
    X(an_update_needs_a_version, "an update of a table without versions is refused") \
    X(a_delete_is_by_key_alone, "a delete is by key alone and of nothing is fine") \
    X(unique_values_do_not_repeat, "a unique value never stands in two rows") \
    X(empty_unique_values_repeat, "empty unique values may repeat") \
    X(a_unique_value_moves, "a unique value can move to another row in one batch") \
    X(a_batch_is_all_or_nothing, "a conflict anywhere in a batch leaves nothing of it") \
    X(later_ops_see_earlier_ones, "later operations of a batch see the earlier ones") \
    X(events_that_follow_stay, "events that follow keep their places, or get the next") \
    X(events_that_follow_are_a_row, "events that follow are new ones in a row, or refused") \
    X(a_claim_takes_what_is_free, "a claim takes the first rows that are free, until then") \
    X(a_claim_raises_the_version, "a claim is a new version of each row") \
    X(a_bad_claim_is_refused, "a malformed claim is refused before anything happens") \
    X(an_empty_batch_is_fine, "an empty batch is fine and a batch too long is refused") \
    X(bad_batches_are_refused, "a malformed batch is refused before anything happens") \
    X(bad_queries_are_refused, "a malformed query is refused before anything happens") \
    X(texts_come_back, "empty, odd and long texts come back byte for byte") \
    X(texts_are_utf8_without_nul, "a text with NUL or broken UTF-8 is refused everywhere") \
    X(numbers_come_back, "the extremes of 64 bits come back and compare") \
    X(every_filter_on_a_text, "every filter works on a text") \
    X(every_filter_on_a_number, "every filter works on a number") \
    X(filters_are_all_asked, "a row must pass all filters") \
    X(texts_compare_bytewise, "texts are ordered and compared byte by byte") \
    X(order_limit_and_offset, "order, direction, limit, offset and total agree") \
    X(a_long_list_of_numbers, "a list of numbers of every length is looked up") \
    X(an_arena_is_a_limit, "rows beyond the arena's ceiling are refused with limit") \
    X(a_large_batch, "ten thousand rows go in and come out in one batch each") \
    X(calls_from_inside_done, "further calls can be made from inside done") \
    X(random_lives_agree, "random lives agree with a naive store") \
    X(memory_runs_out, "a failed allocation at any place leaves the store whole") \
    X(what_was_acknowledged_lasts, "what was acknowledged lasts, and nothing else does") \
    X(who_watches_can_stop, "who watches can stop, and hears no more")
/* clang-format on */

#endif
