//! What parties raise by what they keep and offer.

use super::{Draft, Gathered, Subject, is_stated, text};
use crate::fact::Value;
use crate::flow::error::FlowError;

pub(super) fn ask(gathered: &mut Gathered<'_>) -> Result<(), FlowError> {
    let flow = gathered.view.flow;
    for (id, party) in flow.parties.iter().enumerate() {
        let subject = Subject::Party(id);
        let (en, zh) = (&party.name.en, &party.name.zh);
        if let Some(stored) = &party.data_stored {
            let names: Vec<&str> = stored.iter().map(AsRef::as_ref).collect();
            let draft = Draft::new(text(
                format!("{en} stores: {}", names.join(", ")),
                format!("{zh}存储：{}", names.join("、")),
            ))
            .actor(party)
            .with("data.stored", Value::Words(stored.clone()));
            gathered.put(subject, draft, &[])?;
        }
        if party.offers.iter().any(|offer| offer == "wallet") {
            let draft = Draft::new(text(
                format!("{en} offers a wallet: top-up, balance, withdrawal"),
                format!("{zh}提供钱包：充值、余额、提现"),
            ))
            .actor(party)
            .with("offers_wallet", true);
            gathered.put(subject, draft, &[])?;
        }
        let others: Vec<_> = party
            .offers
            .iter()
            .filter(|offer| *offer != "wallet")
            .cloned()
            .collect();
        if !others.is_empty() {
            let names: Vec<&str> = others.iter().map(AsRef::as_ref).collect();
            let draft = Draft::new(text(
                format!("{en} offers: {}", names.join(", ")),
                format!("{zh}提供：{}", names.join("、")),
            ))
            .actor(party)
            .with("activity", Value::Words(others))
            .needed("own_name", party.own_name);
            gathered.put(subject, draft, &[])?;
        }
        let unlicensed = party.kind == "npi" && party.licences.as_ref().is_some_and(Vec::is_empty);
        if unlicensed && !is_stated(&party.facts, "provides_payment_service") {
            let draft = Draft::new(text(
                format!("{en} has no payment licence"),
                format!("{zh}无支付业务许可"),
            ))
            .actor(party)
            .with("provides_payment_service", true)
            .with("outside_licence", true);
            gathered.put(subject, draft, &[])?;
        }
        if party.facts.facts.stated().next().is_some() {
            let draft = Draft::new(text(
                format!("what is stated about {en}"),
                format!("关于{zh}的说明"),
            ))
            .actor(party);
            gathered.put(subject, draft, &[&party.facts])?;
        }
    }
    Ok(())
}
