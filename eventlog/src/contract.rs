//! Contract
