//! Scans over an index: what is written, what is not yet, and what was refused.

use crate::memory::MemoryStore;
use crate::rig::{EVERYTHING, NOTHING, Rig, add, add_or_refuse, delete, list};
use crate::toy::ToyReply;
use engine::Verdict;

#[test]
fn indexes_forget_what_a_refused_command_wrote() {
    let mut rig = Rig::new();
    rig.done(add("a", 7));
    rig.send(add_or_refuse("a", -9));
    rig.send(add_or_refuse("b", -9));
    let ticket = rig.send(list("", "9"));
    let listed = rig.commit()[&ticket].result.clone();
    assert_eq!(listed, Verdict::Done(ToyReply::Names(vec!["a".into()])));
    assert_eq!(rig.tables().index.len(), 2);
}

#[test]
fn scans_see_what_is_not_written_yet() {
    for limits in [EVERYTHING, NOTHING] {
        let mut rig = Rig::over(MemoryStore::default(), limits, 1);
        let list = list("0000000002", "0000000009");
        for (name, value) in [("a", 3), ("b", 5), ("c", 1), ("d", 9)] {
            rig.done(add(name, value));
        }
        rig.commit();
        // One batch in flight, one being filled: moved in, moved out, deleted, new.
        rig.send(add("c", 3));
        rig.send(delete("a"));
        let batch = rig.seal().unwrap();
        rig.send(add("b", 10));
        rig.send(add("d", -7));
        rig.send(add("e", 8));
        let ticket = rig.send(list.clone());
        rig.commit_sealed(&batch);
        let after = rig.send(list.clone());
        let outcomes = rig.commit();
        let names = ["d", "c", "e"].map(str::to_owned).to_vec();
        for ticket in [ticket, after] {
            let expected = Verdict::Done(ToyReply::Names(names.clone()));
            assert_eq!(outcomes[&ticket].result, expected);
        }
        assert_eq!(rig.done(list), ToyReply::Names(names));
    }
}

#[test]
fn a_scan_is_filled_up_for_what_is_removed_but_still_stored() {
    let mut rig = Rig::new();
    for number in 0..150 {
        rig.send(add(&format!("c{number:03}"), number));
    }
    rig.commit();
    for number in 0..30 {
        rig.send(delete(&format!("c{number:03}")));
    }
    let ticket = rig.send(list("", "9"));
    let Verdict::Done(ToyReply::Names(names)) = rig.commit()[&ticket].result.clone() else {
        panic!("no list")
    };
    let expected: Vec<String> = (30..130).map(|number| format!("c{number:03}")).collect();
    assert_eq!(names, expected);
}
