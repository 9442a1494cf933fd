//! Lines of bounded width, 中文 counted as two columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a text.
pub(in crate::flow) fn width(text: &str) -> usize {
    text.width()
}

/// Breaks a text into lines: between words, and between any two wide characters.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for piece in pieces(text) {
        let size = width(piece.trim_end());
        if used > 0 && used + size > columns {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0;
        }
        line.push_str(piece);
        used += width(piece);
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// What must not be broken: a word with the space after it, or one wide character with the
/// closing punctuation after it.
fn pieces(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut previous: Option<char> = None;
    for (offset, letter) in text.char_indices() {
        let breakable = previous.is_some_and(|before| {
            let wide = |letter: char| letter.width() == Some(2);
            before == ' ' && letter != ' '
                || (wide(before) || wide(letter))
                    && !closing(letter)
                    && !opening(before)
                    && letter != ' '
        });
        if breakable && offset > start {
            found.extend(text.get(start..offset));
            start = offset;
        }
        previous = Some(letter);
    }
    found.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    found
}

fn closing(letter: char) -> bool {
    "，。；：、！？）》〕】”’".contains(letter)
        || letter.is_ascii_punctuation() && !"([".contains(letter)
}

fn opening(letter: char) -> bool {
    "（《〔【“‘([".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::{width, wrap};

    #[test]
    fn lines_are_within_their_columns_and_lose_nothing() {
        let texts = [
            "Money between payment institutions must move through banks, never from one to another.",
            "非金融机构支付服务管理办法（人民银行令〔2010〕第2号）第3条：未取得许可，任何单位不得从事支付业务。",
            "一 mixed 行 of 两种 languages，with 标点。",
        ];
        for text in texts {
            let lines = wrap(text, 24);
            assert!(lines.len() > 1);
            for line in &lines {
                assert!(width(line) <= 26, "{line}");
            }
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&lines.concat()), bare(text));
        }
        assert_eq!(wrap("", 40), [""]);
    }
}
