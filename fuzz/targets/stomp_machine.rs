//! See `hongyan_fuzz::stomp_machine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hongyan_fuzz::stomp_machine(data));
