//! PEM and bare base64, as keys arrive from the channels' portals.

use super::CryptoError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One decoded block.
pub(super) struct Block<'a> {
    /// Text between `BEGIN` and the dashes; `None` for base64 without header.
    pub label: Option<&'a str>,
    /// Decoded content, wiped when dropped because it may be a private key.
    pub der: Zeroizing<Vec<u8>>,
}

/// Decodes the first PEM block of `text`, or all of it as bare base64.
pub(super) fn decode<'a>(text: &'a str, what: &'static str) -> Result<Block<'a>, CryptoError> {
    const BEGIN: &str = "-----BEGIN ";
    const DASHES: &str = "-----";
    let Some((_, after)) = text.split_once(BEGIN) else {
        let der = body(text, what)?;
        return Ok(Block { label: None, der });
    };
    let broken = CryptoError::Key {
        what,
        reason: "the PEM block has no proper BEGIN and END line",
    };
    let (label, rest) = after.split_once(DASHES).ok_or(broken.clone())?;
    let end = format!("-----END {label}-----");
    let (content, _) = rest.split_once(end.as_str()).ok_or(broken)?;
    Ok(Block {
        label: Some(label),
        der: body(content, what)?,
    })
}

/// Writes a PEM block with lines of 64 characters and line feeds.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

fn body(text: &str, what: &'static str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let compact: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    match STANDARD.decode(compact.as_bytes()) {
        Ok(der) if !der.is_empty() => Ok(Zeroizing::new(der)),
        _ => Err(CryptoError::Key {
            what,
            reason: "it is neither PEM nor base64; give the text of the key file",
        }),
    }
}
