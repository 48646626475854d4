//! Which encoding some bytes are likely in, where they are not UTF-8: a guess for messages and drafts; nothing is read by it.

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252};

/// Encodings that registers come in, the most common first.
const CANDIDATES: [&Encoding; 4] = [WINDOWS_1252, MACINTOSH, WINDOWS_1250, WINDOWS_1251];

/// The name of the encoding in which the bytes make words; `None` where they are UTF-8.
pub fn guess(bytes: &[u8]) -> Option<&'static str> {
    if is_utf8(bytes) {
        return None;
    }
    let scored = CANDIDATES.iter().map(|encoding| (score(&encoding.decode_without_bom_handling(bytes).0), *encoding));
    let best = scored.fold(None, |best: Option<(i64, &Encoding)>, (score, encoding)| match best {
        Some((known, _)) if known >= score => best,
        _ => Some((score, encoding)),
    });
    best.map(|(_, encoding)| encoding.name())
}

/// Whether bytes are UTF-8 but for a character that is cut at their end.
fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).err().is_none_or(|error| error.error_len().is_none())
}

/// How much a text looks like words: letters beside letters of their own case and script count, marks within words count
/// against it.
fn score(text: &str) -> i64 {
    let letters: Vec<char> = text.chars().collect();
    let mut score = 0;
    for (at, &letter) in letters.iter().enumerate().filter(|(_, letter)| !letter.is_ascii()) {
        let before = at.checked_sub(1).and_then(|before| letters.get(before)).copied().unwrap_or(' ');
        let after = letters.get(at + 1).copied().unwrap_or(' ');
        let beside = [before, after];
        let in_word = beside.iter().any(|letter| letter.is_alphabetic());
        let is_latin = |letter: char| letter.is_alphabetic() && u32::from(letter) < 0x250;
        score += match letter {
            '\u{80}'..='\u{9f}' | '\u{fffd}' => -5,
            _ if !letter.is_alphabetic() => -i64::from(in_word),
            // Two scripts within a word.
            _ if beside.iter().any(|other| other.is_alphabetic() && is_latin(*other) != is_latin(letter)) => -3,
            _ if letter.is_uppercase() && before.is_lowercase() => -2,
            _ if !is_latin(letter) => 1,
            // Latin words have few accents, and hardly two in a row.
            _ if !before.is_ascii() && before.is_alphabetic() => -1,
            _ if in_word => 1,
            _ => 0,
        };
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_their_encoding() {
        assert_eq!(guess("Løpenummer".as_bytes()), None);
        assert_eq!(guess(b"l\xf8penummer;Br\xf8nn\xf8y"), Some("windows-1252"));
        assert_eq!(guess(b"Orl\x8eans, Ch\x89teauroux, M\x9fnchen"), Some("macintosh"));
        assert_eq!(guess(b"P\xb3ock, W\xb3oc\xb3awek, Cz\xeastochowa"), Some("windows-1250"));
        assert_eq!(guess(b"\xcc\xee\xf1\xea\xe2\xe0 \xe7\xe0\xe2\xee\xe4"), Some("windows-1251"));
        assert_eq!(guess(b"Malm\xf6, K\xf6ln"), Some("windows-1252"));
    }
}
