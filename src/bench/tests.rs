//! The workload and the table, on little data.

use super::*;

fn row(value: f64, bound: Option<Bound>) -> Row {
    Row::new("g", "n", value, "us").bound(bound)
}

#[test]
fn a_verdict_looks_at_floor_then_goal() {
    let verdicts = |bound: Option<Bound>| [0.5, 1.5, 2.5].map(|value| row(value, bound).verdict());
    assert_eq!(
        verdicts(Bound::at_most(2.0, 1.0)),
        ["goal", "ok", "below floor"]
    );
    assert_eq!(
        verdicts(Bound::at_least(1.0, 2.0)),
        ["below floor", "ok", "goal"]
    );
    assert_eq!(verdicts(None), ["", "", ""]);
}

#[test]
fn a_name_asks_for_its_group_alone() {
    let names = |only: &[&str]| {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        groups(&only)
            .into_iter()
            .map(|group| group.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["solve", "json"]), ["json", "solve"]);
    assert!(!names(&[]).contains(&"held-open"));
    assert_eq!(names(&["held-open"]), ["held-open"]);
}

#[test]
fn the_table_says_what_is_below_its_floor() {
    let text = table(&[row(3.0, Bound::at_most(2.0, 1.0))]);
    assert!(text.contains("floor 2.00, goal 1.00"), "{text}");
    assert!(text.ends_with("below floor\n"), "{text}");
}
