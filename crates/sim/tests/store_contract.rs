//! The simulated store is a store: without planned faults it passes the engine's contract.

use engine::store::contract;
use sim::SimStore;

#[test]
fn passes_the_contract_of_stores() {
    let failures = contract::check_all(&mut || Ok(Box::new(SimStore::new())));
    assert_eq!(failures, Vec::new());
}
