//! A small application for the engine's tests: named counters, transfers, effects, timers.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use engine::{
    Actor, Application, ApprovalRule, EffectNews, EffectPolicy, EffectRecord, Indexes, Interrupt,
    Keys, PostStop, Posted, Record, Repeat, Stop, Tx, index_time,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{AccountId, AccountKind, NewAccount, PostError, Side, Transfer, TransferId};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};

pub struct Toy;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToyCommand {
    Open {
        names: Vec<String>,
        overdraft: bool,
    },
    /// id, debit, credit, fen
    Transfers(Vec<(u128, u64, u64, i64)>),
    Hold {
        account: u64,
        fen: i64,
    },
    Capture {
        hold: String,
        id: u128,
        credit: u64,
        fen: i64,
    },
    Release {
        hold: String,
    },
    Close {
        account: u64,
    },
    Add {
        counter: String,
        by: i64,
    },
    AddOrRefuse {
        counter: String,
        by: i64,
    },
    AddLater {
        counter: String,
        by: i64,
        seconds: i64,
    },
    Delete {
        counter: String,
    },
    List {
        from: String,
        to: String,
    },
    PostThenSuspense {
        id: u128,
        poor: u64,
        rich: u64,
        other: u64,
        fen: i64,
    },
    Send {
        note: String,
        repeat: Repeat,
    },
    Approved {
        counter: String,
    },
    Panic,
    TurnDay,
    Unwritable {
        counter: String,
    },
    /// As `Transfers`, each in a posting of its own, without being declared.
    Postings(Vec<(u128, u64, u64, i64)>),
    AddOrRefuseLater {
        counter: String,
        by: i64,
        seconds: i64,
    },
    CancelLater {
        counter: String,
    },
    SendLater {
        note: String,
        repeat: Repeat,
        seconds: i64,
    },
    Withdraw {
        effect: String,
    },
    Settle {
        effect: String,
    },
    Touch {
        counters: u32,
    },
    Ids {
        count: u32,
    },
    /// Writes a record that cannot be JSON.
    Unencodable,
    /// Reads a counter that is stored as something else.
    ReadDamaged,
    /// Each apart from the others; the reply names why some broke.
    Parts(Vec<ToyCommand>),
    /// One after the other.
    All(Vec<ToyCommand>),
    /// Breaks if the command would, and does nothing otherwise.
    Rehearse(Box<ToyCommand>),
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub enum ToyReply {
    Done,
    Accounts(Vec<u64>),
    Value(i64),
    Names(Vec<String>),
    Hold(String),
    Already,
    Effect(String),
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct ToyRejection(pub String);

impl From<PostError> for ToyRejection {
    fn from(error: PostError) -> Self {
        ToyRejection(error.to_string())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Counter {
    pub name: String,
    pub value: i64,
    pub changed: Timestamp,
}

impl Record for Counter {
    const KIND: &'static str = "counter";
    fn key(&self) -> &str {
        &self.name
    }
    fn indexes(&self, out: &mut Indexes) {
        out.add("value", format!("{:010}", self.value.max(0)));
        out.add("changed", index_time(self.changed));
    }
}

/// JSON has no keys other than texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unencodable {
    pub map: std::collections::BTreeMap<Vec<u8>, u8>,
}

impl Record for Unencodable {
    const KIND: &'static str = "unencodable";
    fn key(&self) -> &str {
        "only"
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Note {
    pub note: String,
}

fn add(tx: &mut Tx<'_>, name: &str, by: i64) -> Result<i64, Interrupt> {
    let value = tx.get::<Counter>(name)?.map_or(0, |counter| counter.value) + by;
    let changed = tx.now();
    tx.put(Counter {
        name: name.to_owned(),
        value,
        changed,
    })?;
    Ok(value)
}

pub fn policy(repeat: Repeat) -> EffectPolicy {
    EffectPolicy {
        repeat,
        pause_seconds: 2,
        pause_seconds_max: 60,
        attempts_max: None,
    }
}

fn transfer(id: u128, debit: u64, credit: u64, fen: i64) -> Transfer {
    Transfer {
        id: TransferId(id),
        debit: AccountId(debit),
        credit: AccountId(credit),
        amount: Money::cny(fen),
        code: 1,
    }
}

fn posted(posted: Posted) -> ToyReply {
    match posted {
        Posted::New => ToyReply::Done,
        Posted::Already => ToyReply::Already,
    }
}

/// A command as a part of another.
fn part(actor: &Actor, command: &ToyCommand, tx: &mut Tx<'_>) -> Result<(), Interrupt> {
    match Toy.execute(actor, command, tx) {
        Ok(_) => Ok(()),
        Err(Stop::Refused(rejection)) => Err(Interrupt::Broken(rejection.0)),
        Err(Stop::Interrupted(interrupt)) => Err(interrupt),
    }
}

impl Application for Toy {
    type Command = ToyCommand;
    type Reply = ToyReply;
    type Rejection = ToyRejection;
    type Effect = Note;
    type Answer = String;

    fn declare(&self, command: &ToyCommand, keys: &mut Keys) {
        match command {
            ToyCommand::Transfers(transfers) => {
                for (id, debit, credit, _) in transfers {
                    keys.transfer(TransferId(*id));
                    keys.account(AccountId(*debit));
                    keys.account(AccountId(*credit));
                }
            }
            ToyCommand::Open { names, .. } => names.iter().for_each(|name| keys.account_name(name)),
            ToyCommand::Add { counter, .. } => keys.record::<Counter>(counter),
            _ => {}
        }
    }

    fn authorise(&self, actor: &Actor, _: &ToyCommand) -> Result<(), ToyRejection> {
        if &*actor.role == "stranger" {
            Err(ToyRejection("strangers may not".into()))
        } else {
            Ok(())
        }
    }

    fn needs_approval(
        &self,
        _: &Actor,
        command: &ToyCommand,
        _: &mut Tx<'_>,
    ) -> Result<Option<ApprovalRule>, Interrupt> {
        let needed = matches!(command, ToyCommand::Approved { .. });
        Ok(needed.then_some(ApprovalRule {
            role: "checker",
            reason: "two people",
        }))
    }

    fn execute(
        &self,
        actor: &Actor,
        command: &ToyCommand,
        tx: &mut Tx<'_>,
    ) -> Result<ToyReply, Stop<ToyRejection>> {
        Ok(match command {
            ToyCommand::Open { names, overdraft } => {
                let mut ids = Vec::new();
                for name in names {
                    let new = NewAccount {
                        name: name.clone(),
                        kind: AccountKind::Liability,
                        currency: Currency::CNY,
                        may_go_negative: *overdraft,
                    };
                    match tx.open_account(&new)? {
                        Ok(id) => ids.push(id.0),
                        Err(taken) => {
                            return Err(Stop::Refused(ToyRejection(format!(
                                "taken by {}",
                                taken.existing.0
                            ))));
                        }
                    }
                }
                ToyReply::Accounts(ids)
            }
            ToyCommand::Transfers(list) => {
                let transfers: Vec<Transfer> = list
                    .iter()
                    .map(|(id, debit, credit, fen)| Transfer {
                        id: TransferId(*id),
                        debit: AccountId(*debit),
                        credit: AccountId(*credit),
                        amount: Money::cny(*fen),
                        code: 1,
                    })
                    .collect();
                posted(tx.post(&transfers, None)?)
            }
            ToyCommand::Hold { account, fen } => ToyReply::Hold(tx.hold(
                AccountId(*account),
                Side::Debit,
                Money::cny(*fen),
                Some("hold"),
            )?),
            ToyCommand::Capture {
                hold,
                id,
                credit,
                fen,
            } => {
                let Some(state) = tx.hold_state(hold)? else {
                    return Err(Stop::Refused(ToyRejection("no such hold".into())));
                };
                let transfer = Transfer {
                    id: TransferId(*id),
                    debit: state.account,
                    credit: AccountId(*credit),
                    amount: Money::cny(*fen),
                    code: 2,
                };
                posted(tx.capture(hold, &transfer, None)?)
            }
            ToyCommand::Release { hold } => ToyReply::Value(tx.release(hold, None)?),
            ToyCommand::Close { account } => {
                tx.close_account(AccountId(*account))?;
                ToyReply::Done
            }
            ToyCommand::Add { counter, by } => ToyReply::Value(add(tx, counter, *by)?),
            ToyCommand::AddOrRefuse { counter, by } => {
                let value = add(tx, counter, *by)?;
                if value < 0 {
                    return Err(Stop::Refused(ToyRejection(format!(
                        "{counter} would be {value}"
                    ))));
                }
                ToyReply::Value(value)
            }
            ToyCommand::AddLater {
                counter,
                by,
                seconds,
            } => {
                let due = tx.now() + SignedDuration::from_secs(*seconds);
                tx.schedule(
                    due,
                    &format!("add-{counter}"),
                    &ToyCommand::Add {
                        counter: counter.clone(),
                        by: *by,
                    },
                )?;
                ToyReply::Done
            }
            ToyCommand::Delete { counter } => {
                tx.delete::<Counter>(counter)?;
                ToyReply::Done
            }
            ToyCommand::List { from, to } => {
                let found = tx.scan::<Counter>("value", from, to, 100)?;
                ToyReply::Names(found.iter().map(|counter| counter.name.clone()).collect())
            }
            ToyCommand::PostThenSuspense {
                id,
                poor,
                rich,
                other,
                fen,
            } => {
                let transfer = |id: u128, debit: u64, credit: u64| Transfer {
                    id: TransferId(id),
                    debit: AccountId(debit),
                    credit: AccountId(credit),
                    amount: Money::cny(*fen),
                    code: 3,
                };
                // The first leg succeeds, the second is refused: nothing of both may stay.
                match tx.post(
                    &[
                        transfer(*id, *rich, *other),
                        transfer(*id + 1, *poor, *other),
                    ],
                    None,
                ) {
                    Ok(done) => posted(done),
                    Err(PostStop::Refused(_)) => {
                        tx.post(&[transfer(*id + 2, *rich, *other)], Some("suspense"))?;
                        ToyReply::Value(-1)
                    }
                    Err(PostStop::Interrupted(interrupt)) => return Err(interrupt.into()),
                }
            }
            ToyCommand::Send { note, repeat } => {
                ToyReply::Effect(tx.emit(&Note { note: note.clone() }, policy(*repeat))?)
            }
            ToyCommand::Postings(list) => {
                let mut last = ToyReply::Done;
                for (id, debit, credit, fen) in list {
                    last = posted(tx.post(&[transfer(*id, *debit, *credit, *fen)], None)?);
                }
                last
            }
            ToyCommand::AddOrRefuseLater {
                counter,
                by,
                seconds,
            } => {
                let due = tx.now() + SignedDuration::from_secs(*seconds);
                let command = ToyCommand::AddOrRefuse {
                    counter: counter.clone(),
                    by: *by,
                };
                tx.schedule(due, &format!("add-{counter}"), &command)?;
                ToyReply::Done
            }
            ToyCommand::CancelLater { counter } => {
                tx.cancel(&format!("add-{counter}"))?;
                ToyReply::Done
            }
            ToyCommand::SendLater {
                note,
                repeat,
                seconds,
            } => {
                let due = tx.now() + SignedDuration::from_secs(*seconds);
                ToyReply::Effect(tx.emit_at(&Note { note: note.clone() }, policy(*repeat), due)?)
            }
            ToyCommand::Withdraw { effect } => {
                tx.withdraw_effect(effect)?;
                ToyReply::Done
            }
            ToyCommand::Settle { effect } => {
                tx.settle_effect(effect)?;
                ToyReply::Done
            }
            ToyCommand::Touch { counters } => {
                for number in 0..*counters {
                    add(tx, &format!("touched-{number}"), 1)?;
                }
                ToyReply::Done
            }
            ToyCommand::Ids { count } => {
                ToyReply::Names((0..*count).map(|_| tx.new_id("toy")).collect())
            }
            ToyCommand::Unencodable => {
                let map = [(vec![1], 1)].into();
                tx.put(Unencodable { map })?;
                ToyReply::Done
            }
            ToyCommand::ReadDamaged => ToyReply::Value(add(tx, "damaged", 1)?),
            ToyCommand::Parts(commands) => {
                let mut broken = Vec::new();
                for command in commands {
                    let done = tx.isolated(|tx| part(actor, command, tx))?;
                    broken.extend(done.err());
                }
                ToyReply::Names(broken)
            }
            ToyCommand::All(commands) => {
                for command in commands {
                    self.execute(actor, command, tx)?;
                }
                ToyReply::Done
            }
            ToyCommand::Rehearse(command) => {
                tx.rehearse(|tx| part(actor, command, tx))?;
                ToyReply::Done
            }
            ToyCommand::Approved { counter } => ToyReply::Value(add(tx, counter, 1)?),
            ToyCommand::Panic => {
                add(tx, "panicking", 1)?;
                panic!("a bug in a command")
            }
            ToyCommand::TurnDay => {
                let next = tx.business_date().next();
                tx.turn_day(next)?;
                ToyReply::Done
            }
            ToyCommand::Unwritable { counter } => {
                // A key that the test's store refuses.
                add(tx, &format!("unwritable-{counter}"), 1)?;
                ToyReply::Done
            }
        })
    }

    fn effect_news(
        &self,
        record: &EffectRecord,
        effect: &Note,
        news: EffectNews,
        answer: Option<&String>,
        _asked_at: Timestamp,
        tx: &mut Tx<'_>,
    ) -> Result<(), Interrupt> {
        match news {
            EffectNews::Answered => {
                add(
                    tx,
                    &format!(
                        "answered-{}-{}",
                        effect.note,
                        answer.map_or("", |text| text)
                    ),
                    1,
                )?;
            }
            EffectNews::Stranded => {
                add(tx, &format!("stranded-{}", effect.note), 1)?;
            }
            EffectNews::Absent => {
                add(tx, &format!("absent-{}", effect.note), 1)?;
            }
            EffectNews::Unknown | EffectNews::Pending => {
                add(tx, &format!("unknown-{}", record.id), 1)?;
            }
            EffectNews::Late => {
                add(tx, &format!("late-{}", effect.note), 1)?;
            }
            EffectNews::Nothing => {}
        }
        Ok(())
    }
}
