//! The wall before AWS: the only place that may name the SDK, and no type of the SDK leaves it.
//! It is empty until live collection comes; `tests/tidy.rs` already holds everybody else off.
//! Here will be the clients, `collect()`, the pacing, and one file a source that turns pages into records.
