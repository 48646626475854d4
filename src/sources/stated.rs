//! The coordinate reference system that a file states, as `EPSG:nnnn`.

use serde_json::Value;

/// Systems by the names that ESRI's `.prj` files give them, which have no code in them.
const ESRI: [(&str, u32); 22] = [
    ("GCS_WGS_1984", 4326),
    ("GCS_ETRS_1989", 4258),
    ("GCS_GDA_1994", 4283),
    ("GCS_North_American_1983", 4269),
    ("British_National_Grid", 27700),
    ("TM65_Irish_Grid", 29902),
    ("TM75_Irish_Grid", 29903),
    ("IRENET95_Irish_Transverse_Mercator", 2157),
    ("RD_New", 28992),
    ("Belge_Lambert_1972", 31370),
    ("Belge_Lambert_2008", 3812),
    ("RGF_1993_Lambert_93", 2154),
    ("ETRS_1989_LAEA", 3035),
    ("WGS_1984_Web_Mercator_Auxiliary_Sphere", 3857),
    ("CH1903_LV03", 21781),
    ("CH1903+_LV95", 2056),
    ("ETRS_1989_Poland_CS92", 2180),
    ("SWEREF99_TM", 3006),
    ("EUREF_FIN_TM35FIN", 3067),
    ("ETRS_1989_TM35FIN", 3067),
    ("S-JTSK_Krovak_East_North", 5514),
    ("NZGD_2000_New_Zealand_Transverse_Mercator", 2193),
];

/// From PROJJSON; CRS84 is EPSG:4326 with longitude first.
pub fn by_projjson(crs: &Value) -> Option<String> {
    let id = &crs["id"];
    match (id["authority"].as_str()?, &id["code"]) {
        ("OGC", _) => Some("EPSG:4326".into()),
        (authority, Value::Number(code)) => Some(format!("{authority}:{code}")),
        (authority, code) => Some(format!("{authority}:{}", code.as_str()?)),
    }
}

/// From a name such as `urn:ogc:def:crs:EPSG::25832`, `EPSG:25832`, `OGC:CRS84`, or PROJJSON as text.
pub fn by_name(name: &str) -> Option<String> {
    if name.trim_start().starts_with('{') {
        return by_projjson(&serde_json::from_str(name).ok()?);
    }
    if name.ends_with("CRS84") {
        return Some("EPSG:4326".into());
    }
    let digits = name.rsplit(':').next()?.trim();
    (name.to_ascii_uppercase().contains("EPSG") && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| format!("EPSG:{digits}"))
}

/// From WKT: by the code of the whole, else by ESRI's name. `None` where neither is known.
pub fn by_wkt(text: &str) -> Option<String> {
    let text = text.trim();
    // The code of the whole stands last: those within belong to a datum or a unit.
    let end = text.trim_end_matches([']', ')', '"', ' ', '\n', '\r']);
    let digits: String = end.chars().rev().take_while(char::is_ascii_digit).collect::<String>().chars().rev().collect();
    let head = end[..end.len() - digits.len()].to_ascii_uppercase();
    let head: String = head.chars().filter(|letter| !letter.is_whitespace() && *letter != '"').collect();
    // Two brackets close it: its own and that of the whole.
    let is_whole = text[end.len()..].matches([']', ')']).count() == 2 && head.ends_with("[EPSG,");
    if is_whole && !digits.is_empty() {
        return Some(format!("EPSG:{digits}"));
    }
    let name = text.split('"').nth(1)?;
    let known = ESRI.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, code)| *code);
    known.or_else(|| utm(name)).map(|code| format!("EPSG:{code}"))
}

/// A zone of UTM by ESRI's name, `ETRS_1989_UTM_Zone_32N`.
fn utm(name: &str) -> Option<u32> {
    let (datum, zone) = name.split_once("_UTM_Zone_")?;
    let north = zone.ends_with('N');
    let zone: u32 = zone.strip_suffix(['N', 'S'])?.parse().ok().filter(|zone| (1..=60).contains(zone))?;
    match (datum, north) {
        ("WGS_1984", true) => Some(32600 + zone),
        ("WGS_1984", false) => Some(32700 + zone),
        ("ETRS_1989", true) => Some(25800 + zone),
        ("NAD_1983", true) => Some(26900 + zone),
        ("GDA_1994", false) => Some(28300 + zone),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names() {
        let wkt = |text: &str| by_wkt(text);
        assert_eq!(
            wkt(r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",UNIT["Degree",0.01]]]"#).as_deref(),
            Some("EPSG:4326")
        );
        let british = r#"PROJCS["OSGB36 / British National Grid",UNIT["metre",1,AUTHORITY["EPSG","9001"]],AUTHORITY["EPSG","27700"]]"#;
        assert_eq!(wkt(british).as_deref(), Some("EPSG:27700"));
        assert_eq!(wkt(r#"PROJCRS["x",ID["EPSG",25832]]"#).as_deref(), Some("EPSG:25832"));
        assert_eq!(wkt(r#"PROJCS["ETRS_1989_UTM_Zone_32N",UNIT["Meter",1.0]]"#).as_deref(), Some("EPSG:25832"));
        // The code of a part is not that of the whole.
        assert_eq!(
            wkt(r#"PROJCS["mine",GEOGCS["g",AUTHORITY["EPSG","4326"]],UNIT["m",1,AUTHORITY["EPSG","9001"]]]"#),
            None
        );
        assert_eq!(by_name("urn:ogc:def:crs:EPSG::25832").as_deref(), Some("EPSG:25832"));
        assert_eq!(by_name("urn:ogc:def:crs:OGC:1.3:CRS84").as_deref(), Some("EPSG:4326"));
        assert_eq!(by_name("srid:0"), None);
    }
}
