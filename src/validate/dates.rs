//! Days as files write them.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{Datelike, NaiveDate};

use crate::error::Problem;

/// ISO 8601, in full or cut short, with or without a time.
const ISO: [&str; 3] = ["%Y-%m-%d", "%Y-%m", "%Y"];

/// Whether a format is one of strftime that tells a year.
pub fn check(format: &str, place: &str) -> Result<(), Problem> {
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    let tells_year = ["%Y", "%y", "%G", "%F", "%D", "%x", "%s"].iter().any(|item| format.contains(item));
    if items.contains(&Item::Error) || !tells_year {
        let hint = "write it in the words of strftime: %d.%m.%Y, %Y%m%d, %d-%b-%y";
        return Err(Problem::new(place, format!("`{format}` is no format of dates"), hint));
    }
    Ok(())
}

/// A day as days since 1970-01-01; of a year or a month the first.
pub fn day(text: &str, format: Option<&str>) -> Option<i32> {
    match format {
        Some(format) => read(text, format),
        None => {
            let date = text.split(['T', ' ']).next().unwrap_or(text);
            ISO.iter().find_map(|format| read(date, format))
        }
    }
}

fn read(text: &str, format: &str) -> Option<i32> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(format)).ok()?;
    // Without a month it is the year's first day, unless the day of the year or the week is told.
    if parsed.month().is_none()
        && parsed.ordinal().is_none()
        && parsed.isoweek().is_none()
        && parsed.timestamp().is_none()
    {
        parsed.set_month(1).ok()?;
    }
    if parsed.month().is_some() && parsed.day().is_none() {
        parsed.set_day(1).ok()?;
    }
    Some(parsed.to_naive_date().ok()?.num_days_from_ce() - EPOCH)
}

/// 1970-01-01 counted from the first day of the era.
const EPOCH: i32 = 719_163;

/// The year of a day.
pub fn year(day: i32) -> i64 {
    NaiveDate::from_num_days_from_ce_opt(day + EPOCH).map_or(0, |date| i64::from(date.year()))
}

/// A day as ISO 8601 writes it.
pub fn shown(day: i32) -> String {
    NaiveDate::from_num_days_from_ce_opt(day + EPOCH).map(|date| date.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of Python's `datetime.date(...).toordinal() - 719163`.
    #[test]
    fn days_are_read_as_they_are_written() {
        assert_eq!(day("1970-01-01", None), Some(0));
        assert_eq!(day("2022-12-31", None), Some(19_357));
        assert_eq!(day("2022-12-31T10:00:00Z", None), Some(19_357));
        assert_eq!(day("2022-12-31 00:00:00", None), Some(19_357));
        assert_eq!(day("31.12.2022", Some("%d.%m.%Y")), Some(19_357));
        assert_eq!(day("31/12/22", Some("%d/%m/%y")), Some(19_357));
        assert_eq!(day("12/2022", Some("%m/%Y")), Some(19_327));
        assert_eq!(day("2022", None), Some(18_993));
        assert_eq!(day("2022-02-30", None), None);
        assert_eq!(day("NA", None), None);
        assert_eq!(shown(19_357), "2022-12-31");
        assert_eq!([-1, 0, 19_357, 19_358].map(year), [1969, 1970, 2022, 2023]);
        assert!(check("%d.%m.%Y", "").is_ok());
        assert!(check("%d.%m", "").is_err());
        assert!(check("%Q", "").is_err());
    }
}
