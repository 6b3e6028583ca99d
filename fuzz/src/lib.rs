//! What hostile bytes meet: functions of bytes that no input may break, whatever it is.
//!
//! `tests/` drives them: in `make test` with the corpus and a second of random bytes each, in `make fuzz` for longer
//! (`FUZZ_SECONDS=600 make fuzz`), and with `cargo bolero` by coverage, where a nightly compiler is at hand. What broke one
//! of them once goes into the corpus, `corpus/<name of the function>/`.

pub mod packets;
pub mod requests;
pub mod websockets;
