//! What an activation would change, and what is proposed already.

use crate::auth::Caller;
use crate::pagination::{read_body, scan};
use crate::problem::Problem;
use crate::state::AppState;
use axum::http::StatusCode;
use domain::rule_packs::ActivateRules;
use domain::{Command, Request};
use engine::{Proposal, ShardCode};

/// Open proposals looked through for one of the same activation.
const PROPOSALS_MAX: usize = 1_000;

/// Rules that decide now and would not any more.
pub(super) async fn removed_rules(
    state: &AppState,
    wanted: String,
) -> Result<Vec<String>, Problem> {
    let state = state.clone();
    let compared = tokio::task::spawn_blocking(move || -> Result<Vec<String>, Problem> {
        let (now, then) = (state.active_rules()?, state.stored_rules(&wanted)?);
        let gone = now
            .rules()
            .iter()
            .filter(|rule| then.find(&rule.id).is_none());
        Ok(gone.map(|rule| rule.id.clone()).collect())
    });
    compared
        .await
        .map_err(|error| Problem::internal(&error.to_string()))?
}

/// What a shard has open about an activation.
pub(super) enum Open {
    /// Nothing.
    None,
    /// A proposal that somebody else made and this caller may decide.
    Decidable(String),
    /// A proposal that waits for another person.
    Waits(String),
}

/// The open proposal of an activation. A set is proposed once at a time: a second proposal, or one for another
/// time, could be approved when nobody thinks of it any more.
pub(super) async fn open_proposal(
    state: &AppState,
    shard: ShardCode,
    caller: &Caller,
    wanted: ActivateRules,
) -> Result<Open, Problem> {
    let actor = caller.actor();
    let found = state.read(shard, move |queries| {
        let found = queries.list(&scan::<Proposal>("open", None, PROPOSALS_MAX))?;
        let proposals: Result<Vec<Proposal>, _> = found.iter().map(read_body).collect();
        let of_set = proposals?.into_iter().find_map(|proposal| {
            let command = serde_json::from_value::<Command>(proposal.command.clone()).ok()?;
            match command {
                Command::Request(Request::ActivateRules(open)) if open.packs == wanted.packs => {
                    Some((proposal, open.from == wanted.from))
                }
                _ => None,
            }
        });
        Ok(of_set.map(|(proposal, same)| {
            let decides = proposal.maker.principal != actor.principal
                && *actor.role == *proposal.approver_role;
            (proposal.id, same, decides)
        }))
    });
    Ok(match found.await? {
        None => Open::None,
        Some((proposal, false, _)) => {
            let text = "this set is proposed for another time: decide that proposal first";
            let problem = Problem::new(StatusCode::CONFLICT, "state_conflict", text.to_owned());
            return Err(problem.at("from").with("proposal", proposal));
        }
        Some((proposal, true, true)) => Open::Decidable(proposal),
        Some((proposal, true, false)) => Open::Waits(proposal),
    })
}
