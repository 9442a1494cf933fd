//! `Signature-Input` and `Signature`.

use super::base::field;
use super::{SignatureProblem, malformed};
use axum::http::HeaderMap;
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, ListSerializer, Parser};

const INPUT: &str = "Signature-Input";
const SIGNATURE: &str = "Signature";
/// More components than a request of this API has.
const COMPONENTS_MAX: usize = 32;
/// Longest text in a parameter.
const TEXT_MAX: usize = 200;

/// One signature and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// Covered components, in order, without parameters.
    pub components: Vec<String>,
    /// Components and parameters as they are signed.
    pub line: String,
    pub keyid: String,
    pub alg: Option<String>,
    pub created: i64,
    pub expires: Option<i64>,
    pub nonce: Option<String>,
    pub signature: Vec<u8>,
}

impl Input {
    /// Reads both headers, which must hold one signature under one label.
    pub fn read(headers: &HeaderMap) -> Result<Input, SignatureProblem> {
        let inputs = dictionary(headers, "signature-input", INPUT)?;
        let signatures = dictionary(headers, "signature", SIGNATURE)?;
        let mut labelled = inputs.iter();
        let (Some((label, ListEntry::InnerList(list))), None) = (labelled.next(), labelled.next())
        else {
            return Err(malformed(INPUT, "it must hold one list of components"));
        };
        let signature = match (signatures.get(label), signatures.len()) {
            (Some(ListEntry::Item(item)), 1) => match &item.bare_item {
                BareItem::ByteSequence(bytes) => bytes.clone(),
                _ => return Err(malformed(SIGNATURE, "it must be a byte sequence, :…:")),
            },
            _ => {
                let reason = "it must hold one signature, under the label of Signature-Input";
                return Err(malformed(SIGNATURE, reason));
            }
        };
        let mut input = Input {
            components: components(list)?,
            line: written(list),
            keyid: String::new(),
            alg: None,
            created: i64::MIN,
            expires: None,
            nonce: None,
            signature,
        };
        for (name, value) in &list.params {
            match name.as_str() {
                "keyid" => input.keyid = text("keyid", value)?,
                "alg" => input.alg = Some(text("alg", value)?),
                "nonce" => input.nonce = Some(text("nonce", value)?),
                "created" => input.created = seconds("created", value)?,
                "expires" => input.expires = Some(seconds("expires", value)?),
                "tag" => drop(text("tag", value)?),
                _ => {
                    return Err(malformed(
                        INPUT,
                        "it has a parameter that is not known here",
                    ));
                }
            }
        }
        if input.keyid.is_empty() || input.created == i64::MIN {
            return Err(malformed(
                INPUT,
                "it needs the parameters keyid and created",
            ));
        }
        Ok(input)
    }

    pub fn covers(&self, name: &str) -> bool {
        self.components.iter().any(|component| component == name)
    }
}

fn dictionary(
    headers: &HeaderMap,
    name: &'static str,
    shown: &'static str,
) -> Result<Dictionary, SignatureProblem> {
    let value = field(headers, name)?.ok_or_else(|| malformed(shown, "it is not there"))?;
    Parser::new(&value)
        .parse()
        .map_err(|error| malformed(shown, error.to_string()))
}

fn components(list: &InnerList) -> Result<Vec<String>, SignatureProblem> {
    if list.items.len() > COMPONENTS_MAX {
        return Err(malformed(INPUT, "it covers too many components"));
    }
    let mut components = Vec::with_capacity(list.items.len());
    for Item { bare_item, params } in &list.items {
        let BareItem::String(name) = bare_item else {
            return Err(malformed(INPUT, "a component is a text, \"@method\""));
        };
        let name = name.as_str().to_owned();
        if !params.is_empty() {
            return Err(malformed(
                INPUT,
                "components with parameters are not taken here",
            ));
        }
        if name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(malformed(INPUT, "names of components are written small"));
        }
        if components.contains(&name) {
            return Err(malformed(INPUT, "a component is covered twice"));
        }
        components.push(name);
    }
    Ok(components)
}

fn written(list: &InnerList) -> String {
    let mut writer = ListSerializer::new();
    let mut inner = writer.inner_list();
    inner.items(&list.items);
    inner.finish().parameters(&list.params);
    writer.finish().unwrap_or_default()
}

fn text(name: &str, value: &BareItem) -> Result<String, SignatureProblem> {
    match value {
        BareItem::String(text) if (1..=TEXT_MAX).contains(&text.as_str().len()) => {
            Ok(text.as_str().to_owned())
        }
        _ => Err(malformed(
            INPUT,
            format!("{name} is a text of 1 to {TEXT_MAX} characters"),
        )),
    }
}

fn seconds(name: &str, value: &BareItem) -> Result<i64, SignatureProblem> {
    match value {
        BareItem::Integer(seconds) => Ok((*seconds).into()),
        _ => Err(malformed(
            INPUT,
            format!("{name} is a whole number of seconds since 1970"),
        )),
    }
}
