//! See `hongyan_fuzz::stomp_reading`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hongyan_fuzz::stomp_reading(data));
