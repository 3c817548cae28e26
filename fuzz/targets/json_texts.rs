//! See `hongyan_fuzz::json_texts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hongyan_fuzz::json_texts(data));
