//! Adapters and compositions shared by the examples.
