//! Whatever is planted in a consistent pair is found, and nothing else.

use std::collections::BTreeSet;

use crate::support::{entry, line_of, number, reconcile, summary_of, today};
use money::{Currency, Money};
use proptest::prelude::*;
use recon::{EntryKind, EntryStatus, Finding, OurEntry, StatementLine};

/// One thing that goes wrong with one movement.
#[derive(Debug, Clone, Copy)]
enum Mutation {
    Nothing,
    Amount(i64),
    LineLost,
    EntryLost,
    NeverAnswered,
    Repeated(u32),
    /// A second movement under the same reference of ours.
    SecondNumber,
    /// A line without success, alone or beside one that is a success.
    WithoutSuccess {
        ours: EntryStatus,
        theirs: EntryStatus,
        succeeds: bool,
    },
    OtherDay {
        later: bool,
    },
}

fn mutations() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => Just(Mutation::Nothing),
        1 => (1i64..1000).prop_map(Mutation::Amount),
        1 => (-50i64..-1).prop_map(Mutation::Amount),
        1 => Just(Mutation::LineLost),
        1 => Just(Mutation::EntryLost),
        1 => Just(Mutation::NeverAnswered),
        1 => (1u32..4).prop_map(Mutation::Repeated),
        1 => Just(Mutation::SecondNumber),
        2 => without_success(),
        1 => any::<bool>().prop_map(|later| Mutation::OtherDay { later }),
    ]
}

fn without_success() -> impl Strategy<Value = Mutation> {
    use EntryStatus::{Abnormal, Failed, Pending, Succeeded};
    (
        prop::sample::select(vec![Succeeded, Pending, Abnormal, Failed]),
        prop::sample::select(vec![Pending, Abnormal, Failed]),
        any::<bool>(),
    )
        .prop_map(|(ours, theirs, succeeds)| Mutation::WithoutSuccess {
            ours,
            theirs,
            succeeds,
        })
}

#[derive(Debug, Default)]
struct Pair {
    ours: Vec<OurEntry>,
    lines: Vec<StatementLine>,
    /// Reference, kind and finding; first lines are blanked, as they depend on the order.
    planted: BTreeSet<String>,
}

fn shown(reference: &str, kind: EntryKind, finding: Finding) -> String {
    let finding = match finding {
        Finding::Duplicate {
            amount,
            appearance,
            other_number,
            ..
        } => Finding::Duplicate {
            amount,
            first_line: 0,
            appearance,
            other_number,
        },
        other => other,
    };
    format!("{reference} {kind} {finding:?}")
}

impl Pair {
    fn add(&mut self, index: usize, kind: EntryKind, fen: i64, mutation: Mutation) {
        let mut ours = entry(index, kind, fen);
        let mut line = line_of(&ours);
        let amount = ours.amount;
        let mut findings = Vec::new();
        let mut copies = 1;
        let (mut keep_entry, mut keep_line) = (true, true);
        match mutation {
            Mutation::Nothing => {}
            Mutation::Amount(delta) => {
                line.amount = Money::cny(fen + delta);
                findings.push(Finding::AmountDiffers {
                    ours: amount,
                    theirs: line.amount,
                });
            }
            Mutation::LineLost => {
                keep_line = false;
                findings.push(Finding::OursOnly { amount });
            }
            Mutation::EntryLost => {
                keep_entry = false;
                findings.push(Finding::TheirsOnly {
                    amount,
                    our_status: None,
                });
            }
            Mutation::NeverAnswered => {
                ours.status = EntryStatus::Pending;
                findings.push(Finding::TheirsOnly {
                    amount,
                    our_status: Some(EntryStatus::Pending),
                });
            }
            Mutation::Repeated(more) => {
                copies += more;
                findings.extend((2..=copies).map(|appearance| Finding::Duplicate {
                    amount,
                    first_line: 0,
                    appearance,
                    other_number: false,
                }));
            }
            Mutation::SecondNumber => {
                self.lines.push(StatementLine {
                    channel_number: format!("D{index}"),
                    ..line.clone()
                });
                findings.push(Finding::Duplicate {
                    amount,
                    first_line: 0,
                    appearance: 2,
                    other_number: true,
                });
            }
            Mutation::WithoutSuccess {
                ours: status,
                theirs,
                succeeds,
            } => {
                ours.status = status;
                keep_line = succeeds;
                self.lines.push(StatementLine {
                    status: theirs,
                    ..line.clone()
                });
                findings.extend(of_statuses(amount, status, theirs, succeeds));
            }
            Mutation::OtherDay { later } => {
                ours.clearing_date = if later {
                    today().next()
                } else {
                    today().previous()
                };
                findings.push(Finding::DateShift {
                    amount,
                    ours: ours.clearing_date,
                    theirs: today(),
                });
            }
        }
        let reference = ours.merchant_number.clone();
        let planted = findings
            .into_iter()
            .map(|finding| shown(&reference, kind, finding));
        self.planted.extend(planted);
        if keep_entry {
            self.ours.push(ours);
        }
        if keep_line {
            self.lines.extend((0..copies).map(|_| line.clone()));
        }
    }
}

/// What a line without success gives, and one that is a success where there is one too.
fn of_statuses(
    amount: Money,
    ours: EntryStatus,
    theirs: EntryStatus,
    succeeds: bool,
) -> Vec<Finding> {
    use EntryStatus::{Abnormal, Failed, Succeeded};
    let agrees = ours == theirs || ours == Abnormal || (ours, theirs) == (Failed, Abnormal);
    let is_missing = ours == Succeeded && !succeeds;
    let status = Finding::StatusDiffers {
        amount,
        ours: Some(ours),
        theirs,
        counted: if is_missing { amount } else { Money::cny(0) },
    };
    let success = Finding::TheirsOnly {
        amount,
        our_status: Some(ours),
    };
    let status = (!agrees).then_some(status);
    let success = (succeeds && ours != Succeeded).then_some(success);
    status.into_iter().chain(success).collect()
}

fn pairs() -> impl Strategy<Value = Pair> {
    let movement = (
        prop::sample::select(vec![EntryKind::Payment, EntryKind::Refund]),
        100i64..10_000_000,
        mutations(),
    );
    proptest::collection::vec(movement, 0..60)
        .prop_map(|movements| {
            let mut pair = Pair::default();
            // Counted per kind, so that a payment and a refund share each number.
            let mut used = [0, 0];
            for (kind, fen, mutation) in movements {
                let next = &mut used[usize::from(kind == EntryKind::Refund)];
                pair.add(*next, kind, fen, mutation);
                *next += 1;
            }
            pair
        })
        .prop_flat_map(|pair| {
            let planted = pair.planted;
            (
                Just(pair.ours).prop_shuffle(),
                Just(pair.lines).prop_shuffle(),
            )
                .prop_map(move |(ours, lines)| Pair {
                    ours,
                    lines: number(lines),
                    planted: planted.clone(),
                })
        })
}

proptest! {
    #[test]
    fn exactly_the_planted_differences_are_found(pair in pairs()) {
        let summary = summary_of(&pair.lines);
        let lines = pair.lines.clone();
        let result = reconcile(today(), Currency::CNY, pair.ours, lines, &summary).unwrap();
        prop_assert!(result.structural_errors.is_empty());
        let found: Vec<String> = result
            .differences
            .iter()
            .map(|d| shown(d.our_reference.as_deref().unwrap(), d.kind, d.finding))
            .collect();
        prop_assert_eq!(found.len(), pair.planted.len(), "no finding twice");
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), pair.planted);

        let ids: BTreeSet<_> = result.differences.iter().map(|d| &d.id).collect();
        prop_assert_eq!(ids.len(), result.differences.len(), "ids are unique");
        let different: BTreeSet<_> = result.differences.iter().filter_map(|d| d.line).collect();
        prop_assert_eq!(result.matched as usize, pair.lines.len() - different.len());

        for difference in &result.differences {
            if let (Some(at), Finding::Duplicate { first_line, other_number, .. }) = (difference.line, difference.finding) {
                let number = difference.our_reference.as_deref().unwrap().replace('M', "C");
                let first = pair.lines.iter().find(|l| l.channel_number == number && l.kind == difference.kind);
                prop_assert_eq!(first.map(|l| l.line), Some(first_line));
                prop_assert!(first_line < at || other_number);
            }
        }
    }

    /// The differences explain the totals to the fen.
    #[test]
    fn effects_add_up_to_the_difference_of_the_sides(pair in pairs()) {
        let summary = summary_of(&pair.lines);
        let result = reconcile(today(), Currency::CNY, pair.ours, pair.lines, &summary).unwrap();
        let gross = |side: &recon::SideTotals| side.payments.amount.amount() - side.refunds.amount.amount();
        let effects: i64 = result
            .differences
            .iter()
            .map(|d| d.effect().unwrap().amount())
            .sum();
        prop_assert_eq!(gross(&result.theirs) - gross(&result.ours), effects);
        prop_assert_eq!(result.theirs.net.amount(), gross(&result.theirs) - result.theirs.fees.amount());
    }

    #[test]
    fn the_result_does_not_depend_on_the_order_of_our_side(pair in pairs()) {
        let summary = summary_of(&pair.lines);
        let mut reversed = pair.ours.clone();
        reversed.reverse();
        let once = reconcile(today(), Currency::CNY, pair.ours, pair.lines.clone(), &summary).unwrap();
        let again = reconcile(today(), Currency::CNY, reversed, pair.lines, &summary).unwrap();
        prop_assert_eq!(once, again);
    }

    /// Losing any line, or reading one line more, is noticed whatever else is wrong.
    #[test]
    fn a_cut_or_padded_statement_is_always_noticed(pair in pairs(), pick: prop::sample::Index, pad: bool) {
        prop_assume!(!pair.lines.is_empty());
        let summary = summary_of(&pair.lines);
        let mut lines = pair.lines;
        if pad {
            let extra = lines[pick.index(lines.len())].clone();
            lines.push(extra);
        } else {
            lines.remove(pick.index(lines.len()));
        }
        let result = reconcile(today(), Currency::CNY, pair.ours, number(lines), &summary).unwrap();
        prop_assert!(result.conclusive().is_err());
    }
}
