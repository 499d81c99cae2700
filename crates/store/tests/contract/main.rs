//! What every store must do, written once against the public handles. `contract!` stamps each
//! behaviour for each store.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod assistants;
mod budgets;
mod catalogue;
mod device_logins;
mod documents;
mod erasure;
mod forgetting;
mod generations;
mod group_commit;
mod harness;
mod idempotency;
mod imports;
mod keys;
mod learning;
mod ledger;
mod lists;
mod moving;
mod rates;
mod response_cache;
mod responses;
mod retention;
mod runs;
mod slices;
mod statements;
mod tenancy;
mod turns;
mod vectors;
mod word_blocks;

macro_rules! contract {
    ($($area:ident: $($behaviour:ident)+;)+) => {
        contract! { @on sqlite $($area: $($behaviour)+;)+ }
        contract! { @on postgres $($area: $($behaviour)+;)+ }
    };
    (@on $store:ident $($area:ident: $($behaviour:ident)+;)+) => {
        mod $store {
            $(mod $area {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    let store = crate::harness::TestStore::$store().await;
                    crate::$area::$behaviour(&store).await;
                })+
            })+
        }
    };
}

contract! {
    tenancy:
        one_workspace_never_sees_what_another_wrote_under_the_same_ids
        one_workspace_cannot_delete_or_settle_what_another_wrote;
    device_logins:
        a_login_waits_until_it_is_decided_and_is_taken_once
        a_login_expires_and_only_so_many_wait;
    assistants:
        assistants_are_listed_newest_first_and_by_name
        an_assistant_is_changed_whole_and_deleted_once
        a_scope_belongs_to_one_assistant
        threads_of_an_assistant_are_listed_by_last_use
        a_message_keeps_what_its_client_put_beside_it;
    runs:
        a_waiting_run_is_taken_once_and_completed
        a_run_that_was_released_waits_again
        a_run_that_its_thread_went_on_without_waits_no_longer
        whoever_carries_a_run_out_hears_that_it_is_to_stop
        an_operation_is_over_when_its_turn_was_learned_from
        a_summary_of_history_goes_with_any_turn_of_its_thread;
    responses:
        a_chain_has_the_turns_that_its_last_answer_stands_on
        an_answer_without_a_thread_is_not_kept
        a_deleted_answer_is_gone_and_keeps_its_place_in_the_chain;
    keys:
        a_key_is_found_by_its_hash_until_and_after_it_is_disabled
        a_hash_or_an_id_is_taken_only_once
        settings_and_budgets_of_a_key_are_changed_together
        a_rotated_key_is_found_by_both_texts
        a_deleted_key_is_gone_with_its_budgets
        a_fresh_installation_has_no_key;
    moving:
        an_installation_goes_to_the_other_kind_of_store_and_back_unchanged
        a_store_that_is_not_empty_is_not_moved_to;
    rates:
        of_takers_at_once_only_as_many_as_fit_get_through
        what_is_taken_in_advance_counts_until_it_is_given_back
        a_window_frees_when_the_refusal_said
        a_refusal_takes_from_no_limit_and_keeps_what_it_was_told
        limits_of_one_key_and_workspace_are_its_own;
    generations:
        a_call_is_pending_until_it_is_settled_with_all_its_figures
        a_settled_call_is_never_overwritten
        an_open_call_is_begun_once
        a_call_that_was_never_begun_cannot_be_settled
        calls_that_a_crash_left_open_become_interrupted
        a_call_costs_what_its_attempts_cost_together
        what_a_call_cost_can_be_computed_from_its_row
        unknown_cost_and_usage_stay_unknown;
    turns:
        a_turn_settles_its_call_and_is_read_back_in_order
        a_turn_told_twice_is_kept_once
        turns_that_end_at_once_on_one_thread_never_share_a_position
        a_turn_for_a_thread_of_another_scope_is_refused_whole
        an_acknowledged_turn_is_there_after_the_store_is_opened_again;
    imports:
        importing_a_conversation_again_adds_nothing
        a_conversation_that_has_grown_adds_only_its_new_turns
        equal_turns_of_one_conversation_are_all_kept
        an_import_without_turns_is_refused;
    erasure:
        what_is_forgotten_is_in_no_file
        what_is_forgotten_changes_its_scope_and_nothing_else
        a_deleted_thread_takes_its_memories_along
        a_memory_that_is_emptied_leaves_its_threads_as_they_are
        forgetting_what_is_not_there_forgets_nothing;
    statements:
        what_is_said_twice_is_one_statement
        a_superseded_statement_keeps_its_text_and_gets_an_end
        a_revision_is_refused_when_someone_else_was_first
        all_changes_are_made_or_none
        a_retracted_statement_is_believed_no_more_and_can_be_stated_anew
        lists_are_filtered_and_come_in_pages
        a_vector_of_an_outdated_text_is_not_stored
        a_statement_about_a_forgotten_turn_is_refused
        a_document_that_says_too_much_is_kept_aside;
    forgetting:
        a_forgotten_turn_takes_what_was_learned_from_it_along
        a_withdrawn_memory_takes_its_turn_along_and_leaves_the_conversation
        what_another_turn_says_as_well_stays
        what_was_made_of_two_turns_goes_with_either
        what_a_forgotten_statement_had_displaced_is_believed_again
        what_was_forgotten_is_not_learned_again_but_may_be_stated
        a_source_is_purged_whole_and_may_come_back
        a_deleted_thread_takes_what_was_learned_from_it_along
        what_has_had_its_time_is_deleted_but_what_is_pinned;
    retention:
        calls_go_by_whole_months_and_those_under_way_stay
        episodes_go_by_whole_months_with_what_was_made_of_them;
    learning:
        a_thread_is_learned_from_when_it_is_silent_or_long
        what_is_learned_is_written_with_how_far_and_the_job
        a_summary_goes_with_any_turn_of_its_thread_and_is_written_anew
        a_lease_that_ran_out_is_another_workers
        a_restart_takes_leases_back
        a_job_that_fails_waits_longer_each_time_and_then_is_dead
        asking_again_for_work_under_way_has_it_done_once_more
        a_thread_deleted_meanwhile_takes_its_job_along;
    catalogue:
        a_price_is_recorded_when_it_changes_and_stays
        a_price_that_is_known_no_more_is_recorded_as_such
        the_newest_model_list_of_each_provider_is_kept;
    idempotency:
        an_answer_is_kept_for_the_same_request_only
        a_request_that_was_released_may_be_tried_again
        of_requests_at_once_one_is_new
        a_restart_releases_what_was_running_and_keeps_what_was_answered
        what_was_carried_out_and_not_kept_is_not_done_again
        a_request_that_breaks_off_may_be_tried_again_unless_it_was_answered
        an_answer_has_its_time
        what_is_forgotten_is_in_no_kept_answer;
    response_cache:
        an_answer_is_found_by_its_key_and_request_until_its_time_is_over
        a_newer_answer_takes_the_place_of_the_older
        an_answer_is_kept_with_its_call_or_not_at_all
        the_oldest_answers_make_room
        an_answer_that_is_too_large_is_not_kept
        what_is_forgotten_is_in_no_cached_answer;
    ledger:
        calls_are_summed_by_what_is_asked_for
        calls_that_were_answered_from_the_cache_are_counted_with_what_they_saved
        sums_come_in_pages
        what_was_spent_lately_is_known_by_day_week_and_month;
    budgets:
        a_reservation_becomes_what_the_call_cost
        callers_at_once_never_exceed_a_budget
        every_budget_has_to_agree
        a_period_begins_anew_and_a_call_counts_where_it_began
        what_was_spent_before_a_budget_counts_in_it
        what_a_crash_left_reserved_is_charged_the_prompt;
    slices:
        calls_draw_on_a_slice_and_the_budget_shows_what_they_cost
        a_slice_is_no_larger_than_a_part_of_what_is_left
        a_call_is_refused_only_when_no_slice_holds_what_it_lacks
        a_slice_of_the_workspaces_budget_is_ended_for_a_call_of_another_key
        a_slice_is_of_the_periods_in_which_it_was_taken
        a_budget_that_is_changed_ends_its_slices_and_counts_each_call_once
        a_call_that_costs_more_than_it_had_reserved_counts_whole
        what_a_process_that_is_gone_held_is_free_again;
    vectors:
        an_episode_wants_a_vector_until_it_has_one_of_that_model
        a_change_of_model_asks_for_every_vector_again
        vectors_of_different_lengths_are_refused
        a_vector_of_a_forgotten_episode_is_not_stored
        an_episode_has_a_vector_for_each_passage_of_one_model
        a_large_scopes_vectors_are_read_in_parts
        a_scope_tells_when_vectors_came_and_gives_those_that_are_asked_for
        what_one_server_embeds_no_other_does_meanwhile;
    word_blocks:
        blocks_come_back_by_their_spans_and_their_words_by_parts
        a_block_goes_with_any_of_its_turns_and_none_is_made_of_what_is_forgotten
        turns_are_read_by_their_sequence_with_those_beside_them;
    lists:
        pages_show_every_call_once_newest_first
        pages_show_every_thread_once_by_last_use
        pages_show_every_episode_once_newest_first
        a_cursor_that_was_not_given_out_is_refused
        only_what_was_written_since_is_read_again;
    documents:
        a_document_is_read_step_by_step_and_found_at_the_end
        the_same_bytes_are_one_document_for_each_owner
        what_could_not_be_read_says_why_and_is_read_when_sent_again
        a_worker_that_was_overtaken_writes_nothing_more
        a_document_is_indexed_when_its_last_chunk_has_a_vector
        a_document_whose_vectors_cannot_be_made_is_found_by_its_words
        a_deleted_document_is_in_no_file
        a_deleted_thread_takes_its_documents_along
        documents_are_found_where_their_owner_is
        a_workspace_has_no_more_documents_than_it_may
        bytes_that_came_to_nothing_are_deleted_a_day_later;
    group_commit:
        a_write_that_fails_leaves_its_neighbours_alone
        a_closed_store_refuses_calls_and_may_be_closed_again;
}
