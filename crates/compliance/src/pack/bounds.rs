//! Bounds of a condition, looked at before anything parses it.
//!
//! Parser, validator and evaluator of Cedar recurse over a condition, and a stack that overflows ends the
//! whole process. The longest condition of the project's packs has 500 bytes and 40 steps.

/// Bytes of a condition.
const BYTES_MAX: usize = 4 << 10;
/// Brackets that stand open at a time.
const DEPTH_MAX: usize = 32;
/// Operators, accesses, brackets and words like `if`: each may nest the expression one deeper.
const STEPS_MAX: usize = 200;
/// Words that nest as an operator does.
const STEP_WORDS: [&str; 6] = ["if", "then", "has", "in", "is", "like"];

/// Refuses a condition that is too long, too deep or too rich.
pub(super) fn check(condition: &str) -> Result<(), String> {
    if condition.len() > BYTES_MAX {
        return Err(format!("has more than {BYTES_MAX} bytes"));
    }
    let (mut depth, mut steps) = (0_usize, 0_usize);
    let mut rest = condition;
    while let Some(letter) = rest.chars().next() {
        let mut taken = letter.len_utf8();
        match letter {
            '"' => taken = string(rest),
            '/' if rest.starts_with("//") => taken = rest.find('\n').unwrap_or(rest.len()),
            '(' | '[' | '{' => {
                depth += 1;
                steps += 1;
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            'a'..='z' | 'A'..='Z' | '_' => {
                let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                taken = rest
                    .find(|letter: char| !part(letter))
                    .unwrap_or(rest.len());
                let word = rest.get(..taken).unwrap_or_default();
                steps += usize::from(STEP_WORDS.contains(&word));
            }
            '0'..='9' | ',' => {}
            letter if letter.is_whitespace() => {}
            // `&&` counts twice; nobody comes near the bound by it.
            _ => steps += 1,
        }
        if depth > DEPTH_MAX {
            return Err(format!("nests more than {DEPTH_MAX} brackets"));
        }
        if steps > STEPS_MAX {
            return Err(format!(
                "has more than {STEPS_MAX} operators, accesses and brackets"
            ));
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(())
}

/// The place in a pack's text, from its beginning, of a key with more parts than any fact or table has.
///
/// `a.b.c = 1` nests a table a part, without a bracket that the reader of TOML would count.
pub(super) fn endless_key(text: &str) -> Option<usize> {
    let (mut parts, mut at) = (0_usize, 0_usize);
    while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let taken = match letter {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '\'' | '"' => quoted(rest, letter),
            _ => letter.len_utf8(),
        };
        match letter {
            '.' => parts += 1,
            '=' | '[' | ']' | '{' | '}' | ',' | '\n' => parts = 0,
            _ => {}
        }
        if parts > DEPTH_MAX {
            return Some(at);
        }
        at += taken;
    }
    None
}

/// Bytes of the TOML string that a text begins with, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let is_long = text.chars().take_while(|letter| *letter == quote).count() >= 3;
    let quotes = if is_long { 3 } else { 1 };
    let (mut closing, mut escaped) = (0, false);
    for (place, letter) in text.char_indices().skip(quotes) {
        if escaped {
            escaped = false;
        } else if letter == quote {
            closing += 1;
            if closing == quotes {
                return place + 1;
            }
            continue;
        } else {
            escaped = letter == '\\' && quote == '"';
        }
        closing = 0;
    }
    text.len()
}

/// Bytes of the string that a text begins with, its quotes included.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return place + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
