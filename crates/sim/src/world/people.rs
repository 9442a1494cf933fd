//! Clients: impatient, forgetful, sometimes wrong; and the people who approve and decide.

use super::request::{Asked, ClientRequest, Known, KnownHold, KnownMerchant, RequestId};
use super::{Happening, Purpose, World};
use crate::failure::{Broken, demand};
use channels::operation::PayeeAccount;
use domain::{Command, Rejection, Reply, Request};
use engine::{Actor, Denial, Envelope, Idempotency, Outcome, Task, VaultEntry, Verdict, Work};
use jiff::SignedDuration;
use zeroize::Zeroizing;

impl World {
    /// Somebody wants something, for the first time.
    pub(super) fn want(
        &mut self,
        actor: Actor,
        asked: Asked,
        has_vault: bool,
    ) -> Result<(), Broken> {
        let id = self.next_request;
        let idempotency = Idempotency {
            scope: format!("{} {}", actor.principal, route(&asked)),
            key: format!("key-{id}"),
            body_hash: format!("body-{id}"),
        };
        self.enter(ClientRequest {
            actor,
            asked,
            idempotency,
            has_vault,
            tries: 0,
            answered: false,
            changed: false,
        })
    }

    fn enter(&mut self, request: ClientRequest) -> Result<(), Broken> {
        let id = self.next_request;
        self.next_request += 1;
        self.requests.insert(id, request);
        self.ask(id)
    }

    /// Sends a request, again if need be.
    pub(super) fn ask(&mut self, id: RequestId) -> Result<(), Broken> {
        let Some(request) = self.requests.get_mut(&id) else {
            return Ok(());
        };
        request.tries += 1;
        if request.tries > 1 {
            self.summary.retries += 1;
        }
        let vault_id = format!("vlt_{id}-{}", request.tries);
        let (actor, idempotency) = (request.actor.clone(), request.idempotency.clone());
        let work = match &request.asked {
            Asked::Decide { proposal, approve } => Work::Decide {
                proposal: proposal.clone(),
                approve: *approve,
            },
            Asked::Command(command) => {
                let mut command = command.clone();
                point_to(&mut command, &vault_id);
                Work::Command(Command::Request(*command))
            }
        };
        let vault = if request.has_vault {
            vec![account_entry(vault_id)?]
        } else {
            Vec::new()
        };
        let patience = request.patience();
        if !self.healed && self.rng.chance(40) {
            // Gives up waiting before the answer is there, and asks once more.
            self.agenda.add(self.now + patience, Happening::Ask(id));
        }
        let envelope = Envelope {
            actor,
            work,
            idempotency: Some(idempotency),
            vault,
        };
        self.submit(Task::Envelope(envelope), Purpose::Request(id))
    }

    /// A reply is on its way to its client.
    pub(super) fn replied(
        &mut self,
        id: RequestId,
        outcome: Outcome<Reply, Rejection>,
    ) -> Result<(), Broken> {
        let lost = !self.healed && self.rng.chance(30);
        let Some(request) = self.requests.get_mut(&id) else {
            return Ok(());
        };
        if request.changed {
            request.answered = true;
            let denied = matches!(outcome.result, Verdict::Denied(Denial::KeyReused));
            return demand(denied, "a key is bound to one body", || {
                format!("{:?}", outcome.result)
            });
        }
        if lost {
            let at = self.now + request.patience();
            self.agenda.add(at, Happening::Ask(id));
            return Ok(());
        }
        if std::mem::replace(&mut request.answered, true) {
            return Ok(());
        }
        let request = request.clone();
        match outcome.result {
            Verdict::Done(reply) => self.learn(&request, reply),
            Verdict::Proposed(proposal) => self.decide(&request.actor, &proposal)?,
            _ => {}
        }
        if self.healed {
            return Ok(());
        }
        self.bad_habits(id, &request)
    }

    /// Clients that repeat what was answered, under the same key, a new one, or with another body.
    fn bad_habits(&mut self, id: RequestId, request: &ClientRequest) -> Result<(), Broken> {
        if self.rng.chance(25) {
            let at = self.now + SignedDuration::from_secs(self.rng.between(1, 4_000));
            self.agenda.add(at, Happening::Ask(id));
        }
        if self.rng.chance(25) {
            let mut changed = request.clone();
            changed.changed = true;
            changed.answered = false;
            changed.idempotency.body_hash = format!("{}-changed", request.idempotency.body_hash);
            return self.enter(changed);
        }
        if is_numbered(&request.asked) && self.rng.chance(40) {
            let mut again = request.clone();
            again.answered = false;
            again.idempotency.key = format!("{}-again", request.idempotency.key);
            return self.enter(again);
        }
        Ok(())
    }

    /// Two people: the maker tries to approve it alone now and then.
    fn decide(&mut self, maker: &Actor, proposal: &str) -> Result<(), Broken> {
        let approve = self.rng.chance(850) || self.healed;
        let proposal = proposal.to_owned();
        if self.rng.chance(100) {
            let alone = Actor::new(maker.principal.clone(), "finance");
            let asked = Asked::Decide {
                proposal: proposal.clone(),
                approve: true,
            };
            self.want(alone, asked, false)?;
        }
        let asked = Asked::Decide { proposal, approve };
        self.want(Actor::new("usr_carol", "finance"), asked, false)
    }

    fn learn(&mut self, request: &ClientRequest, reply: Reply) {
        let known = &mut self.known;
        match reply {
            Reply::Chart(_) => known.is_set_up = true,
            Reply::Merchant { merchant, .. } => {
                known.merchants.retain(|other| other.id != merchant.id);
                known.merchants.push(KnownMerchant {
                    id: merchant.id.clone(),
                    splits: merchant.split_share_max.ppm() > 0,
                });
            }
            Reply::Payment { payment, .. } => note(
                &mut known.payments,
                &payment.id,
                &payment.merchant,
                payment.amount,
            ),
            Reply::Refund { refund, .. } => note(
                &mut known.refunds,
                &refund.id,
                &refund.merchant,
                refund.amount,
            ),
            Reply::Payout { payout, .. } => note(
                &mut known.payouts,
                &payout.id,
                &payout.merchant,
                payout.amount,
            ),
            Reply::Accounts(accounts) => {
                for account in accounts {
                    if !known.accounts.contains(&account.account) {
                        known.accounts.push(account.account);
                    }
                }
            }
            Reply::Hold { hold, .. } => {
                known.holds.retain(|other| other.id != hold.hold);
                if hold.remaining > 0 {
                    known.holds.push(KnownHold {
                        id: hold.hold,
                        account: hold.account,
                        remaining: hold.remaining,
                    });
                }
            }
            Reply::Transfers(_) => {
                if let Asked::Command(command) = &request.asked
                    && let Request::PostTransfers(posted) = &**command
                {
                    known.transfers.extend(posted.transfers.iter().copied());
                }
            }
            _ => {}
        }
    }
}

fn note(list: &mut Vec<Known>, id: &str, merchant: &str, amount: money::Money) {
    if list.iter().all(|known| known.id != id) {
        list.push(Known {
            id: id.to_owned(),
            merchant: merchant.to_owned(),
            amount,
        });
    }
}

/// Whether the command carries a number that is unique for ever, or an id.
fn is_numbered(asked: &Asked) -> bool {
    let Asked::Command(command) = asked else {
        return false;
    };
    matches!(
        **command,
        Request::SetUp(_)
            | Request::CreateMerchant(_)
            | Request::CreatePayment(_)
            | Request::CreateRefund(_)
            | Request::CreatePayout(_)
            | Request::ExecuteSplit(_)
            | Request::OpenAccounts(_)
            | Request::PostTransfers(_)
            | Request::CaptureHold(_)
            | Request::ReverseTransfer(_)
            | Request::ConfirmClearing(_)
    )
}

fn route(asked: &Asked) -> &'static str {
    match asked {
        Asked::Decide { .. } => "POST /v1/proposals/decision",
        Asked::Command(_) => "POST /v1/commands",
    }
}

/// A repeated request seals its bank account anew, under a new id.
fn point_to(request: &mut Request, vault_id: &str) {
    match request {
        Request::CreateMerchant(command) => {
            if let Some(account) = &mut command.settlement_account {
                account.vault_id = vault_id.to_owned();
            }
        }
        Request::CreatePayout(command) => {
            if let Some(payee) = &mut command.payee {
                payee.vault_id = vault_id.to_owned();
            }
        }
        _ => {}
    }
}

fn account_entry(id: String) -> Result<VaultEntry, Broken> {
    let account = PayeeAccount {
        account_number: "6222020200001234567".into(),
        holder: "Simulated Holder".into(),
        corporate: false,
    };
    let clear_text = serde_json::to_vec(&account)
        .map_err(|error| Broken::new("accounts can be written", error.to_string()))?;
    Ok(VaultEntry {
        id,
        clear_text: Zeroizing::new(clear_text),
    })
}
