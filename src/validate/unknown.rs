//! Words that stand for "not known" where a name or a year should stand: no operator is called "-", no sector "n/a".
//! Never applied to ids, countries and codes, where "NA" is Namibia.

use std::sync::LazyLock;

/// Words in lower case, without the punctuation around them; from registers of many countries.
#[rustfmt::skip]
const WORDS: [&str; 76] = [
    "n/a", "na", "n.a", "n.a.", "n/d", "n.d.", "n.c.", "nan", "null", "nil", "none", "nothing", "blank", "empty", "missing",
    "unknown", "unkown", "unkn", "unk", "not known", "unidentified", "unspecified", "not specified", "not stated", "not given",
    "not provided", "not reported", "not recorded", "not declared", "not disclosed", "undisclosed", "not available", "unavailable",
    "not applicable", "no data", "no information", "no value", "confidential", "withheld", "redacted", "suppressed", "tbc", "tbd",
    "to be confirmed", "to be determined",
    // German, French, Spanish, Portuguese, Italian, Dutch, Polish, Scandinavian and Finnish.
    "unbekannt", "keine angabe", "k.a", "k. a", "vertraulich", "inconnu", "inconnue", "non renseigné", "non communiqué", "desconocido",
    "sin dato", "sin datos", "s/d", "desconhecido", "sconosciuto", "onbekend", "ukendt", "ei tiedossa",
    "n. a.", "n. a", "n / a", "n. d.", "s.o", "s.o.", "sans objet", "ikke oplyst", "okänd", "geen", "geen gegevens", "brak danych", "não informado",
];

/// For each first byte of the words the lengths that they have, in bits: names that are no word are told without a comparison.
static LENGTHS: LazyLock<[u64; 256]> = LazyLock::new(|| {
    let mut lengths = [0; 256];
    WORDS.iter().for_each(|word| lengths[usize::from(word.as_bytes()[0])] |= 1 << word.len());
    lengths
});

/// Whether a text says that the name or the year is not known: one of the list, or no letter and no digit at all.
pub fn is_unknown(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_alphanumeric) && bytes.last().is_some_and(u8::is_ascii_alphanumeric) {
        // Most names: there is nothing around them.
        return is_word(text);
    }
    if !text.chars().any(char::is_alphanumeric) {
        return true;
    }
    let around = |letter: char| letter.is_whitespace() || "-–—_*#.?()[]<>\"'".contains(letter);
    is_word(text) || is_word(text.trim_matches(around))
}

fn is_word(text: &str) -> bool {
    let Some(first) = text.as_bytes().first().map(u8::to_ascii_lowercase) else { return false };
    let may_be = text.len() < 64 && LENGTHS[usize::from(first)] & (1 << text.len()) != 0;
    may_be && WORDS.contains(&text.to_lowercase().as_str())
}

/// Whether a column holds ids, countries or codes, where a word of the list may be a value: only what is said of the
/// column itself is missing in it.
pub fn is_code(column: &str) -> bool {
    let parts = || column.split('_');
    parts().any(|part| ["id", "code", "country", "iso"].contains(&part)) || column.ends_with("code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_unknown_and_names_like_them() {
        for word in [
            "-",
            "--",
            "–",
            "...",
            "?",
            "NA",
            "N/A",
            "#N/A",
            "n.a.",
            "Unknown",
            "(unknown)",
            "Not Reported",
            "CONFIDENTIAL",
            "k.A.",
            "NULL",
            "***",
        ] {
            assert!(is_unknown(word), "{word}");
        }
        for name in [
            "NAM",
            "Nadro",
            "Nanna GmbH",
            "Unknown Pleasures Ltd",
            "A",
            "3M",
            "Nil Gas",
            "N. A. Smith",
            "ND",
            "E.ON",
            "0",
        ] {
            assert!(!is_unknown(name), "{name}");
        }
        for column in ["id", "country", "nace_code", "postcode", "iso_a2", "permit_id", "country_of_parent"] {
            assert!(is_code(column), "{column}");
        }
        for column in ["operator", "capacity_mw", "sector", "identity", "decoder"] {
            assert!(!is_code(column), "{column}");
        }
    }
}
