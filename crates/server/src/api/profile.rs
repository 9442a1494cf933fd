//! What is known of a merchant, for the rules of regulation.

use super::enums;
use domain::merchant::{CheckedBy, CodeKind, MerchantKind, Premises, Profile};
use serde::{Deserialize, Serialize};

macro_rules! profile {
    ($($(#[$meta:meta])* $field:ident: $kind:ty,)*) => {
        /// What is known of a merchant. Every part is optional; a rule that needs one that is not there
        /// answers `facts_missing` and names it.
        #[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields, default)]
        #[schema(as = MerchantProfile, example = json!({
            "kind": "company", "premises": "online", "province": "shanghai", "checked_by": "institution",
            "identified": true, "due_diligence": true, "listed": false, "unlawful": false,
            "serves_unlicensed": false, "agreement_written": true, "agreement_bans_sensitive_data": true,
            "agreement_notice_days": 30, "outsourced": [], "code": "dynamic", "split_permission": true
        }))]
        pub struct ProfileBody {
            $($(#[$meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$kind>,)*
        }

        impl From<ProfileBody> for Profile {
            fn from(body: ProfileBody) -> Profile {
                Profile { $($field: body.$field,)* }
            }
        }

        impl From<Profile> for ProfileBody {
            fn from(profile: Profile) -> ProfileBody {
                ProfileBody { $($field: profile.$field,)* }
            }
        }
    };
}

profile! {
    /// Kind of merchant: `micro` has no business licence (小微商户).
    #[schema(schema_with = enums::merchant_kind)]
    kind: MerchantKind,
    /// Where it sells: in a `shop`, or `online` only.
    #[schema(schema_with = enums::premises)]
    premises: Premises,
    /// Its province: `zhejiang` or its letter code `ZJ`; the words are in the fact `merchant.province`.
    #[schema(example = "shanghai")]
    province: String,
    /// Your number for the person or firm behind it; no document number. Limits per identity document add
    /// up all merchants of a group that name the same.
    owner: String,
    /// Who checked it and signed with it.
    #[schema(schema_with = enums::checked_by)]
    checked_by: CheckedBy,
    /// Its owner is identified.
    identified: bool,
    /// Due diligence was done.
    due_diligence: bool,
    /// It or its owner stands on a list of persons with whom nobody may deal.
    listed: bool,
    /// It is known to act unlawfully.
    unlawful: bool,
    /// It lets others without a licence collect through it.
    serves_unlicensed: bool,
    /// There is a written agreement.
    agreement_written: bool,
    /// The agreement forbids to store sensitive data.
    agreement_bans_sensitive_data: bool,
    /// Days of notice that the agreement promises before a change.
    agreement_notice_days: u16,
    /// What of its acquiring is given to outsourcers, in the words of the fact `outsourced`.
    outsourced: Vec<String>,
    /// The code it shows to payers.
    #[schema(schema_with = enums::code_kind)]
    code: CodeKind,
    /// Its static code was made by the institution's server.
    code_server_made: bool,
    /// Its static code is displayed under control and inspected.
    code_display_controlled: bool,
    /// Its terminal is registered with the clearing institutions.
    terminal_registered: bool,
    /// Fields bound to its terminal, of five.
    terminal_bound_fields: u8,
    /// Its terminal is where it was registered.
    terminal_location_matches: bool,
    /// Days of continuous normal trade.
    trading_days: u16,
    /// The channel's permission to split is on file.
    split_permission: bool,
}
