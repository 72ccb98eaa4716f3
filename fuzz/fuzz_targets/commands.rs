//! Any bytes into `proto::fuzzing::commands`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proto::fuzzing::commands(bytes));
