//! store/contract
