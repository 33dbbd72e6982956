//! Who started an operation, in what role, and what for. To be written.
