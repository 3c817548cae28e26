//! Do both stores keep what they promise? One contract for both, one random comparison, and what only a disk can do.

#[path = "stores/asker.rs"]
mod asker;
#[path = "stores/damage.rs"]
mod damage;
#[path = "stores/deliveries.rs"]
mod deliveries;
#[path = "stores/disk.rs"]
mod disk;
#[path = "stores/older.rs"]
mod older;
#[path = "stores/pages.rs"]
mod pages;
#[path = "stores/people.rs"]
mod people;
#[path = "stores/queues.rs"]
mod queues;
#[path = "stores/random.rs"]
mod random;

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
