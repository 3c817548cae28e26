//! See `hongyan_fuzz::packets_machine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hongyan_fuzz::packets_machine(data));
