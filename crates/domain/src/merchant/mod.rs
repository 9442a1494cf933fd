//! Merchants: opening, terms, standing.

mod command;
mod profile;
mod record;
mod rules;

pub use command::{CreateMerchant, SetMerchantStatus, UpdateMerchant};
pub use profile::{CheckedBy, CodeKind, MerchantKind, Premises, Profile};
pub use record::{
    AccountOwner, BankAccount, ExternalNumber, LateSuccess, Merchant, MerchantStatus,
};

use crate::case::{self, CaseKind, Finding};
use crate::chart::{self, Chart};
use crate::context::Context;
use crate::payment::Payment;
use crate::rejection::{Code, Refusable, Rejection, broken};
use crate::{settlement, text};
use engine::{Interrupt, ShardCode, Stop, Tx};
use money::{Money, Rounding};
use std::sync::Arc;

/// A merchant that a request names.
pub(crate) fn named(tx: &mut Tx<'_>, id: &str) -> Refusable<Arc<Merchant>> {
    if let Some(merchant) = tx.get::<Merchant>(id)? {
        return Ok(merchant);
    }
    match ShardCode::of_id(id) {
        Ok(shard) if id.starts_with("mch_") && shard != tx.shard() => Err(Rejection::new(
            Code::StateConflict,
            format!(
                "merchant {id} is kept in shard {shard}, this object in shard {}: money moves \
                 within a shard only; open merchants that split with each other in one group",
                tx.shard()
            ),
        )
        .at("merchant")
        .into()),
        _ => Err(Rejection::not_found("merchant", id).into()),
    }
}

/// A merchant that may start something new.
pub(crate) fn active(tx: &mut Tx<'_>, id: &str) -> Refusable<Arc<Merchant>> {
    let merchant = named(tx, id)?;
    match merchant.status {
        MerchantStatus::Active => Ok(merchant),
        MerchantStatus::Suspended => Err(Rejection::state(format!("merchant {id} is suspended"))
            .at("merchant")
            .into()),
        MerchantStatus::Closed => Err(Rejection::state(format!("merchant {id} is closed"))
            .at("merchant")
            .into()),
    }
}

/// A new merchant, or the one that was created under this number with the same content.
pub(crate) fn create(
    cx: &mut Context<'_, '_>,
    command: &CreateMerchant,
) -> Refusable<(Arc<Merchant>, bool)> {
    text::number("external_number", &command.external_number)?;
    text::plain("name", &command.name, 128)?;
    if let Some(group) = &command.group {
        text::number("group", group)?;
    }
    check_account(command.settlement_account.as_ref())?;
    let Some(chart) = cx.tx.get::<Chart>(Chart::KEY)? else {
        return Err(Rejection::new(
            Code::NotSetUp,
            "the book has no chart of accounts: set it up first",
        )
        .into());
    };
    check_fee(command.fee_schedule, chart.currency)?;
    if let Some(taken) = cx.tx.get::<ExternalNumber>(&command.external_number)? {
        let merchant = cx.tx.expect::<Merchant>(&taken.merchant)?;
        let created = match &taken.terms {
            Some(terms) => terms.clone(),
            None => terms_of(&merchant),
        };
        return match differing_field(&created, command) {
            Some(field) => Err(Rejection::already_exists("merchant", field).into()),
            None => Ok((merchant, true)),
        };
    }
    // What a repeat names was checked then, by what was asked of it then.
    rules::check(&command.profile, command.group.as_deref())?;
    let now = cx.tx.now();
    let decision = rules::onboard(cx, &command.profile, command.settlement_account.as_ref())?;
    let settlement_decision = rules::settle(
        cx,
        &command.profile,
        command.settlement_account.as_ref(),
        command.settlement_cycle,
        now,
    )?;
    let id = cx.tx.new_id("mch");
    let accounts = chart::open_merchant(cx.tx, &id, chart.currency)?;
    cx.tx.put(ExternalNumber {
        number: command.external_number.clone(),
        merchant: id.clone(),
        terms: Some(command.clone()),
    })?;
    cx.tx.put_new(Merchant {
        id: id.clone(),
        external_number: command.external_number.clone(),
        name: command.name.clone(),
        group: command.group.clone(),
        status: MerchantStatus::Active,
        fee_schedule: command.fee_schedule,
        refund_returns_fee: command.refund_returns_fee,
        settlement_cycle: command.settlement_cycle,
        automatic_payout: command.automatic_payout,
        settlement_account: command.settlement_account.clone(),
        late_success: command.late_success,
        split_share_max: command.split_share_max,
        split_days_max: command.split_days_max,
        profile: command.profile.clone(),
        decision: Some(decision),
        settlement_decision,
        accounts,
        created_at: now,
        updated_at: now,
        business_date: cx.tx.business_date(),
    })?;
    Ok((cx.tx.expect(&id)?, false))
}

fn check_account(account: Option<&BankAccount>) -> Result<(), Rejection> {
    let Some(account) = account else {
        return Ok(());
    };
    text::number("settlement_account", &account.vault_id)?;
    text::masked("settlement_account", &account.masked)
}

/// A schedule has to give an answer for every amount that can be paid.
fn check_fee(schedule: money::FeeSchedule, currency: money::Currency) -> Result<(), Rejection> {
    let largest = Money::new(crate::payment::AMOUNT_MAX, currency);
    schedule
        .fee(largest, Rounding::HalfUp)
        .map(|_| ())
        .map_err(|error| Rejection::field("fee_schedule", error.to_string()))
}

/// The terms of a merchant whose first ones were not kept: those that it has now.
fn terms_of(merchant: &Merchant) -> CreateMerchant {
    CreateMerchant {
        external_number: merchant.external_number.clone(),
        name: merchant.name.clone(),
        group: merchant.group.clone(),
        fee_schedule: merchant.fee_schedule,
        refund_returns_fee: merchant.refund_returns_fee,
        settlement_cycle: merchant.settlement_cycle,
        automatic_payout: merchant.automatic_payout,
        settlement_account: merchant.settlement_account.clone(),
        late_success: merchant.late_success,
        split_share_max: merchant.split_share_max,
        split_days_max: merchant.split_days_max,
        profile: merchant.profile.clone(),
    }
}

/// What a creation says otherwise than the one that created the merchant. Changes since do not count: who did
/// not hear that it was created repeats it after them, too.
fn differing_field(created: &CreateMerchant, command: &CreateMerchant) -> Option<&'static str> {
    let same_account = match (&created.settlement_account, &command.settlement_account) {
        (Some(known), Some(named)) => known.is_same(named),
        (known, named) => known.is_none() && named.is_none(),
    };
    [
        ("name", created.name == command.name),
        ("group", created.group == command.group),
        ("fee_schedule", created.fee_schedule == command.fee_schedule),
        (
            "refund_returns_fee",
            created.refund_returns_fee == command.refund_returns_fee,
        ),
        (
            "settlement_cycle",
            created.settlement_cycle == command.settlement_cycle,
        ),
        (
            "automatic_payout",
            created.automatic_payout == command.automatic_payout,
        ),
        ("settlement_account", same_account),
        ("late_success", created.late_success == command.late_success),
        (
            "split_share_max",
            created.split_share_max == command.split_share_max,
        ),
        (
            "split_days_max",
            created.split_days_max == command.split_days_max,
        ),
        ("profile", created.profile == command.profile),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

/// Changes the terms that the command names.
pub(crate) fn update(
    cx: &mut Context<'_, '_>,
    command: &UpdateMerchant,
) -> Refusable<Arc<Merchant>> {
    let mut merchant = (*named(cx.tx, &command.merchant)?).clone();
    if merchant.status == MerchantStatus::Closed {
        return Err(Rejection::state("the merchant is closed")
            .at("merchant")
            .into());
    }
    if let Some(name) = &command.name {
        text::plain("name", name, 128)?;
        merchant.name = name.clone();
    }
    if let Some(fee_schedule) = command.fee_schedule {
        let currency = chart::of(cx.tx)?.currency;
        check_fee(fee_schedule, currency)?;
        merchant.fee_schedule = fee_schedule;
    }
    if let Some(account) = &command.settlement_account {
        check_account(Some(account))?;
        if account.is_of_listed() {
            rules::onboard(cx, &merchant.profile, Some(account))?;
        }
        merchant.settlement_account = Some(account.clone());
    }
    merchant.refund_returns_fee = command
        .refund_returns_fee
        .unwrap_or(merchant.refund_returns_fee);
    merchant.settlement_cycle = command
        .settlement_cycle
        .unwrap_or(merchant.settlement_cycle);
    merchant.automatic_payout = command
        .automatic_payout
        .unwrap_or(merchant.automatic_payout);
    merchant.late_success = command.late_success.unwrap_or(merchant.late_success);
    merchant.split_share_max = command.split_share_max.unwrap_or(merchant.split_share_max);
    merchant.split_days_max = command.split_days_max.unwrap_or(merchant.split_days_max);
    if let Some(profile) = &command.profile {
        rules::check(profile, merchant.group.as_deref())?;
        merchant.profile = merchant.profile.changed_by(profile);
        let account = merchant.settlement_account.as_ref();
        merchant.decision = match rules::onboard(cx, &merchant.profile, account) {
            Ok(decision) => Some(decision),
            Err(Stop::Refused(refusal)) if refusal.code == Code::RefusedByRule => {
                suspend(cx, &mut merchant, &refusal)?;
                None
            }
            Err(stop) => return Err(stop),
        };
    }
    if command.settlement_account.is_some() || command.settlement_cycle.is_some() {
        merchant.settlement_decision = rules::settle(
            cx,
            &merchant.profile,
            merchant.settlement_account.as_ref(),
            merchant.settlement_cycle,
            merchant.created_at,
        )?;
    }
    save(cx.tx, merchant)
}

/// What has become known forbids serving a merchant that is served: it is kept, not refused.
fn suspend(
    cx: &mut Context<'_, '_>,
    merchant: &mut Merchant,
    refusal: &Rejection,
) -> Result<(), Interrupt> {
    merchant.status = MerchantStatus::Suspended;
    let finding = Finding {
        kind: CaseKind::MerchantForbidden,
        object: &merchant.id,
        merchant: Some(&merchant.id),
        reason: format!("suspended: {refusal}"),
        amount: None,
    };
    case::open(cx.tx, finding).map(|_| ())
}

/// Changes the standing; closing demands empty accounts and no open payments, and is for ever.
pub(crate) fn set_status(
    cx: &mut Context<'_, '_>,
    command: &SetMerchantStatus,
) -> Refusable<Arc<Merchant>> {
    text::plain("reason", &command.reason, 200)?;
    let mut merchant = (*named(cx.tx, &command.merchant)?).clone();
    if merchant.status == command.status {
        return Ok(cx.tx.expect(&merchant.id)?);
    }
    if merchant.status == MerchantStatus::Closed {
        return Err(
            Rejection::state("a closed merchant stays closed: create another")
                .at("status")
                .into(),
        );
    }
    if command.status == MerchantStatus::Closed {
        close_accounts(cx, &merchant)?;
    }
    if command.status == MerchantStatus::Active {
        // Who was suspended because the rules forbid serving them is served again when the rules allow it.
        let account = merchant.settlement_account.as_ref();
        merchant.decision = Some(rules::onboard(cx, &merchant.profile, account)?);
    }
    merchant.status = command.status;
    save(cx.tx, merchant)
}

fn close_accounts(cx: &mut Context<'_, '_>, merchant: &Merchant) -> Refusable<()> {
    for account in merchant.accounts.all() {
        let state = cx
            .tx
            .account(account)?
            .ok_or_else(|| broken("a merchant's account is gone"))?;
        if state.balance() != 0 {
            return Err(Rejection::state(
                "the merchant still has money: settle and pay it out first",
            )
            .at("status")
            .with("account", account.0)
            .into());
        }
    }
    let open = cx.tx.scan::<Payment>(
        "open",
        &format!("{}/", merchant.id),
        &format!("{}0", merchant.id),
        1,
    )?;
    if let Some(payment) = open.first() {
        return Err(
            Rejection::state("the merchant still has open payments: close them first")
                .at("status")
                .with("payment", &payment.id)
                .into(),
        );
    }
    settlement::close_all(cx.tx, merchant)?;
    for account in merchant.accounts.all() {
        cx.tx.close_account(account)?;
    }
    Ok(())
}

fn save(tx: &mut Tx<'_>, mut merchant: Merchant) -> Refusable<Arc<Merchant>> {
    let id = merchant.id.clone();
    merchant.updated_at = tx.now();
    tx.put(merchant)?;
    Ok(reload(tx, &id)?)
}

fn reload(tx: &mut Tx<'_>, id: &str) -> Result<Arc<Merchant>, Interrupt> {
    tx.expect(id)
}
