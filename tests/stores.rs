//! Do both stores keep what they promise? One contract for both, one random comparison, and what only a disk can do.

#[path = "stores/asker.rs"]
mod asker;
#[path = "stores/backups.rs"]
mod backups;
#[path = "stores/damage.rs"]
mod damage;
#[path = "stores/deliveries.rs"]
mod deliveries;
#[path = "stores/disk.rs"]
mod disk;
#[path = "stores/friends.rs"]
mod friends;
#[path = "stores/group_messages.rs"]
mod group_messages;
#[path = "stores/groups.rs"]
mod groups;
#[path = "stores/msg_ids.rs"]
mod msg_ids;
#[path = "stores/older.rs"]
mod older;
#[path = "stores/pages.rs"]
mod pages;
#[path = "stores/people.rs"]
mod people;
#[path = "stores/picture_files.rs"]
mod picture_files;
#[path = "stores/pictures.rs"]
mod pictures;
#[path = "stores/queues.rs"]
mod queues;
#[path = "stores/random.rs"]
mod random;
#[path = "stores/strangers.rs"]
mod strangers;

/// Makes a test of each question of the contract, for each store.
macro_rules! on_both_stores {
    ($($part:ident { $($question:ident)* })*) => {
        mod memory {
            $(mod $part {
                $(#[test] fn $question() { crate::$part::$question(&crate::asker::Asker::in_memory()) })*
            })*
        }
        mod sqlite {
            $(mod $part {
                $(#[test] fn $question() { crate::$part::$question(&crate::asker::Asker::on_disk()) })*
            })*
        }
    };
}

on_both_stores! {
    deliveries {
        a_message_is_kept_once
        a_msg_id_with_another_content_is_taken
        there_must_be_a_receiver
        two_senders_may_use_one_msg_id
        ids_and_seqs_rise_without_a_gap
        time_never_falls
        confirming_in_order_empties_the_inbox
        confirming_out_of_order_leaves_the_gaps
        a_name_means_the_pushed_message_first
        a_name_that_many_use_finds_ones_own
        confirming_one_by_id
        confirming_through_an_id
        one_may_write_to_oneself
        own_messages_never_wait
    }
    pages {
        an_inbox_is_read_page_by_page_in_the_order_of_ids
        an_inbox_begins_after_an_id
        a_page_ends_before_it_is_too_large
        history_goes_back_by_id_and_by_time
        history_shows_what_was_received
    }
    people {
        users_are_made_and_found
        people_of_foreign_tokens_are_admitted
        revocations_end_by_themselves
        a_closed_store_says_so
    }
    friends {
        a_request_stands_until_it_is_answered
        a_no_can_be_asked_again
        requests_that_cross_are_a_yes
        a_friendship_ends_for_both
        it_takes_two_who_exist
        who_is_blocked_is_not_heard
        a_block_forgets_requests_and_asking_takes_it_back
        where_friendship_is_asked_for_strangers_are_refused
        the_system_writes_but_is_nobody
        names_mean_whom_they_name
        an_order_is_taken_once_and_makes_friends
        only_the_last_place_is_known
    }
    groups {
        a_group_is_made_as_asked
        a_group_changes_as_asked
        members_come_and_go
        nobody_is_added_by_somebody_blocked
    }
    group_messages {
        a_group_message_reaches_all_but_its_sender
        each_member_confirms_alone
        ears_choose_what_a_range_means
        who_is_ignored_misses_nothing
        history_begins_where_one_joined
        a_group_message_is_received_when_all_have_it
        since_merges_all_that_was_said
        a_group_of_ten_thousand
    }
    strangers {
        who_is_brought_into_a_group_is_a_friend
        whoever_comes_alone_is_brought_by_nobody
        friendship_is_looked_at_in_the_act_s_own_turn
    }
    pictures {
        a_picture_is_seen_where_it_was_sent
        only_a_picture_in_sight_is_sent
        kinds_and_envelopes_are_kept
        a_hook_waits_until_it_is_settled
    }
    queues {
        a_queue_keeps_what_it_was_given_in_order
        what_is_taken_is_gone_and_its_id_is_not_used_again
        a_page_holds_the_oldest_or_those_asked_for
        a_page_of_a_queue_ends_before_it_is_too_large
        the_dead_know_where_they_came_from
        a_full_queue_refuses_all_of_a_change
        what_has_expired_makes_room
    }
}
