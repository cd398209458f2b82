//! The authorization ledger.
