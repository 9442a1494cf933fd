//! Bank accounts come in clear, go into the vault at once, and are shown masked ever after.

use super::enums;
use crate::problem::Problem;
use channels::PayeeAccount;
use channels::operation::mask_account;
use domain::merchant::{AccountOwner, BankAccount};
use engine::{IdSource, ShardCode, VaultEntry};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A bank account in a request.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"account_number": "6216261000000002485", "holder": "宗晓", "corporate": false, "owner": "merchant"}))]
pub struct BankAccountBody {
    /// Account or card number, 8 to 32 digits.
    #[schema(min_length = 8, max_length = 32, pattern = "^[0-9]+$")]
    account_number: String,
    /// Name of the account's owner.
    #[schema(min_length = 1, max_length = 60)]
    holder: String,
    /// A corporate account rather than a person's.
    #[serde(default)]
    corporate: bool,
    /// Whose it is: the `merchant`'s own, a `platform`'s, or somebody's whom the merchant `designated`.
    /// Rules of regulation ask for it.
    #[serde(default)]
    #[schema(schema_with = enums::account_owner)]
    owner: Option<AccountOwner>,
    /// For a designated account: the lawful relation that makes it one is documented.
    #[serde(default)]
    documented: Option<bool>,
    /// For an account that is not the merchant's: whether its owner stands on a list of persons with whom
    /// nobody may deal.
    #[serde(default)]
    listed: Option<bool>,
}

impl std::fmt::Debug for BankAccountBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BankAccountBody({})", mask_account(&self.account_number))
    }
}

/// A bank account in an answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BankAccountView {
    /// First six and last four digits.
    #[schema(example = "621626*********2485")]
    pub masked: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = enums::account_owner)]
    pub owner: Option<AccountOwner>,
}

impl From<BankAccount> for BankAccountView {
    fn from(account: BankAccount) -> BankAccountView {
        BankAccountView {
            masked: account.masked,
            owner: account.owner,
        }
    }
}

impl BankAccountBody {
    /// Checks the account and parts it into what is sealed and what the command carries.
    ///
    /// # Errors
    /// 422 naming the field under `field`; never the content.
    pub fn seal(self, field: &str, now: Timestamp) -> Result<(BankAccount, VaultEntry), Problem> {
        let masked = mask_account(&self.account_number);
        let payee = PayeeAccount {
            account_number: self.account_number,
            holder: self.holder,
            corporate: self.corporate,
        };
        if let Some((part, rule)) = payee.unusable() {
            return Err(Problem::invalid(
                format!("{field}.{part}"),
                format!("{part} {rule}"),
            ));
        }
        let clear_text = serde_json::to_vec(&payee)
            .map_err(|_| Problem::internal("a bank account cannot be written"))?;
        let id = new_vault_id(now)?;
        let account = BankAccount {
            vault_id: id.clone(),
            masked,
            fingerprint: None,
            owner: self.owner,
            documented: self.documented,
            listed: self.listed,
        };
        let entry = VaultEntry {
            id,
            clear_text: Zeroizing::new(clear_text),
        };
        Ok((account, entry))
    }
}

/// `vlt_…`, in the form of all ids.
pub(crate) fn new_vault_id(now: Timestamp) -> Result<String, Problem> {
    let mut seed = [0u8; 16];
    getrandom::fill(&mut seed)
        .map_err(|_| Problem::internal("the system gives no random numbers"))?;
    let mut ids = IdSource::new(ShardCode::FIRST, now, u128::from_le_bytes(seed));
    Ok(ids.id("vlt"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::BankAccountBody;
    use jiff::Timestamp;

    fn body(number: &str, holder: &str) -> BankAccountBody {
        BankAccountBody {
            account_number: number.to_owned(),
            holder: holder.to_owned(),
            corporate: false,
            owner: None,
            documented: None,
            listed: None,
        }
    }

    #[test]
    fn the_command_carries_only_the_mask() {
        let (account, entry) = body("6216261000000002485", "宗晓")
            .seal("payee", Timestamp::UNIX_EPOCH)
            .unwrap();
        assert_eq!(account.masked, "621626*********2485");
        assert_eq!(account.vault_id, entry.id);
        assert!(account.vault_id.starts_with("vlt_00"));
        let text = String::from_utf8(entry.clear_text.to_vec()).unwrap();
        assert!(text.contains("6216261000000002485"));
        assert!(!format!("{account:?}{entry:?}").contains("6216261000000002485"));
    }

    #[test]
    fn malformed_accounts_are_refused_without_repeating_them() {
        for (number, holder, field) in [
            ("1234567", "a", "payee.account_number"),
            ("62162610000000024x5", "a", "payee.account_number"),
            ("6216261000000002485", "", "payee.holder"),
        ] {
            let problem = body(number, holder)
                .seal("payee", Timestamp::UNIX_EPOCH)
                .expect_err("refused");
            assert_eq!(problem.field.as_deref(), Some(field));
            assert!(!problem.detail.contains(number));
        }
    }
}
