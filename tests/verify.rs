//! The harness of `tributary verify`: it must pass what is right and catch what is not.

mod histories;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::bail;
use dataflows::event::{Kind, Name};
use dataflows::settings::{JourneyRule, Settings};
use histories::{history, settings};
use proptest::prelude::*;
use tributary::oracle::{self, Log};
use tributary::report::Report;
use tributary::verify::{
    Input, Options, Outcome, Plan, SINGLE_RECORDS, compare, deal, first_records, read_counts,
    rule_name, verify_to,
};

/// Takes in the steps in their order and lets the oracle report: right by definition.
fn replay(plan: &Plan, names: &HashMap<Name, String>) -> Report {
    let mut report = oracle::report(&plan.taken_in(), names, &plan.settings, plan.ended);
    report.as_of_epoch = plan.epochs.len() as u64;
    report
}

/// Several histories one after the other, so that there is enough to schedule.
fn input(seed: u64, settings: &Settings) -> Input {
    let mut partitions: Vec<Log> = vec![Log::new(); 3];
    for part in 0..8 {
        let history = history(seed * 8 + part, settings);
        for (log, records) in partitions.iter_mut().zip(history.partitions) {
            log.extend(records);
        }
    }
    let names = histories::names();
    Input { partitions, names }
}

fn options(settings: Settings) -> Options {
    Options {
        settings,
        batches: vec![1, 10, 100],
        ..Options::default()
    }
}

fn verified(
    input: &Input,
    options: &Options,
    run: impl Fn(&Plan) -> anyhow::Result<Report>,
) -> (Outcome, String) {
    let mut printed = Vec::new();
    let outcome = verify_to(input, options, &run, &mut printed).unwrap();
    (outcome, String::from_utf8(printed).unwrap())
}

#[test]
fn a_right_runner_passes() {
    for seed in 0..10 {
        let settings = settings(seed);
        let input = input(seed, &settings);
        let options = options(settings);
        let (outcome, printed) = verified(&input, &options, |plan| Ok(replay(plan, &input.names)));
        assert!(outcome.passed(), "{printed}");
        let rules = if settings.journeys == JourneyRule::Session {
            2
        } else {
            1
        };
        assert_eq!((outcome.runs, outcome.oracle.len()), (8 * rules, rules));
        assert_eq!(printed.lines().count(), 9 * rules + 1, "{printed}");
        assert!(!printed.contains("DIFFERS"), "{printed}");
    }
}

#[test]
fn a_lost_record_is_caught() {
    let settings = Settings::default();
    let input = input(1, &settings);
    let (outcome, printed) = verified(&input, &options(settings), |plan| {
        let mut plan = plan.clone();
        let step = plan.steps.last_mut().unwrap();
        step.records.end -= 1;
        Ok(replay(&plan, &input.names))
    });
    assert!(!outcome.passed());
    assert_eq!(outcome.differing, outcome.runs);
    assert!(printed.contains("DIFFERS"), "{printed}");
    assert!(printed.contains("of the oracle"), "{printed}");
}

/// A runner that decides lateness over all partitions at once depends on how they interleave.
#[test]
fn lateness_across_partitions_is_caught() {
    let settings = Settings::default();
    let input = input(2, &settings);
    let (outcome, printed) = verified(&input, &options(settings), |plan| {
        let steps = plan.steps.iter();
        let one: Log = steps
            .flat_map(|step| plan.partitions[step.partition][step.records.clone()].to_vec())
            .collect();
        Ok(oracle::report(
            &[one],
            &input.names,
            &plan.settings,
            plan.ended,
        ))
    });
    assert!(outcome.differing > 0, "{printed}");
}

/// A runner that takes the first copy it meets rather than the least depends on the interleaving, too.
#[test]
fn the_first_copy_instead_of_the_least_is_caught() {
    let settings = Settings {
        allowed_lateness_ms: None,
        ..Settings::default()
    };
    let input = input(3, &settings);
    let (outcome, printed) = verified(&input, &options(settings), |plan| {
        let mut seen = HashSet::new();
        let mut logs = vec![Log::new(); plan.partitions.len()];
        for step in &plan.steps {
            for record in &plan.partitions[step.partition][step.records.clone()] {
                if record.is_none_or(|event| seen.insert((event.user, event.time, event.id))) {
                    logs[step.partition].push(*record);
                }
            }
        }
        let mut report = oracle::report(&logs, &input.names, &plan.settings, plan.ended);
        let right = replay(plan, &input.names);
        (report.duplicate, report.conflicts) = (right.duplicate, right.conflicts);
        Ok(report)
    });
    assert!(outcome.differing > 0, "{printed}");
}

#[test]
fn one_wrong_bit_of_one_float_is_caught() {
    let settings = Settings::default();
    let input = input(4, &settings);
    let (outcome, _) = verified(&input, &options(settings), |plan| {
        let mut report = replay(plan, &input.names);
        let chain = report.chains.values_mut().next().unwrap();
        chain.p_conversion = chain.p_conversion.map(f64::next_up);
        Ok(report)
    });
    assert_eq!(outcome.differing, outcome.runs);
}

#[test]
fn a_runner_that_fails_stops_the_verification() {
    let input = input(5, &Settings::default());
    let fails = |_: &Plan| -> anyhow::Result<Report> { bail!("a worker is gone") };
    let mut printed = Vec::new();
    let error = verify_to(&input, &Options::default(), &fails, &mut printed).unwrap_err();
    let chain = format!("{error:#}");
    assert!(
        chain.starts_with("run   1  session") && chain.ends_with("a worker is gone"),
        "{chain}"
    );
}

#[test]
fn a_single_file_is_dealt_and_single_records_are_the_first_ones() {
    let settings = Settings::default();
    let mut input = input(6, &settings);
    let records = input.partitions.concat();
    input.partitions = vec![
        records
            .iter()
            .cycle()
            .take(SINGLE_RECORDS + 100)
            .copied()
            .collect(),
    ];
    let seen = RefCell::new(Vec::new());
    let options = Options {
        shuffles: 2,
        stops: 0,
        workers: vec![1],
        batches: vec![5_000, 1],
        ..options(settings)
    };
    let (outcome, printed) = verified(&input, &options, |plan| {
        let longest = plan.epochs.iter().max().copied();
        seen.borrow_mut()
            .push((plan.partitions.len(), plan.records(), longest == Some(1)));
        Ok(replay(plan, &input.names))
    });
    assert!(
        outcome.passed() && printed.starts_with("1 partition, dealt to 8"),
        "{printed}"
    );
    assert_eq!(seen.borrow()[0].0, 8);
    assert_eq!(seen.borrow()[0].1, SINGLE_RECORDS + 100);
    assert_eq!(seen.borrow()[1], (8, SINGLE_RECORDS, true));
}

#[test]
fn dealing_and_first_records_keep_the_order() {
    let log = |times: &[i64]| -> Log {
        let touches = times
            .iter()
            .map(|&time| Some(histories::touch("a", time, 0)));
        touches.collect()
    };
    assert_eq!(
        deal(&log(&[1, 2, 3, 4, 5]), 2),
        [log(&[1, 3, 5]), log(&[2, 4])]
    );
    let partitions = [log(&[1, 2, 3]), log(&[]), log(&[4])];
    assert_eq!(
        first_records(&partitions, 3),
        [log(&[1, 2]), log(&[]), log(&[4])]
    );
    assert_eq!(first_records(&partitions, 9), partitions);
}

#[test]
fn rules_have_names() {
    let name = |gap| rule_name(JourneyRule::GapMs(gap));
    assert_eq!(rule_name(JourneyRule::Session), "session");
    assert_eq!(
        [604_800_000, 5_400_000, 1_500].map(name),
        ["gap:7d", "gap:90m", "gap:1500ms"]
    );
}

proptest! {
    #[test]
    fn a_schedule_takes_in_everything_once_and_in_order(seed: u64, workers in 1..5usize, batch in 1..200usize) {
        let settings = settings(seed);
        let partitions = Arc::new(input(seed % 1_000, &settings).partitions);
        let mut plan = Plan::shuffled(&partitions, settings, workers, batch, seed);
        prop_assert_eq!(plan.epochs.iter().sum::<usize>(), plan.steps.len());
        let sizes = plan.steps_by_epoch().map(|steps| plan.steps[steps].iter().map(|step| step.records.len()).sum::<usize>());
        prop_assert!(sizes.max().unwrap_or(0) < 2 * batch);
        prop_assert!((0..plan.steps.len()).all(|step| plan.worker_of(step) < workers));
        prop_assert!(plan.steps.iter().all(|step| !step.records.is_empty()));
        let mut next = vec![0; partitions.len()];
        for step in &plan.steps {
            prop_assert_eq!(next[step.partition], step.records.start);
            next[step.partition] = step.records.end;
        }
        let mut taken_in = plan.taken_in();
        if settings.allowed_lateness_ms.is_none() {
            // Any order inside a partition will do where nothing is late.
            taken_in.iter_mut().for_each(|log| log.sort());
            let mut sorted = (*partitions).clone();
            sorted.iter_mut().for_each(|log| log.sort());
            prop_assert_eq!(taken_in, sorted);
        } else {
            prop_assert_eq!(&taken_in, &*partitions);
        }
        let all = plan.records();
        plan.stop_midway();
        prop_assert!(!plan.ended && plan.records() <= all);
        prop_assert_eq!(plan.epochs.iter().sum::<usize>(), plan.steps.len());
    }
}

#[test]
fn schedules_of_two_seeds_differ_and_of_one_do_not() {
    let settings = Settings::default();
    let partitions = Arc::new(input(7, &settings).partitions);
    let plan = |seed| Plan::shuffled(&partitions, settings, 3, 20, seed);
    assert_eq!(plan(1).steps, plan(1).steps);
    assert_ne!(plan(1).steps, plan(2).steps);
    let workers = |seed| -> Vec<usize> { (0..20).map(|step| plan(seed).worker_of(step)).collect() };
    assert_ne!(workers(1), workers(2));
}

/// Ours: `default` has start -> Email -> conversion once and start -> conversion once.
fn counted() -> Report {
    let events = [
        (Kind::Click, 0),
        (Kind::Conversion, 1),
        (Kind::Conversion, 2),
    ];
    let log = events.map(|(kind, id)| {
        let touch = histories::touch("a", 1_738_368_000_000 + id as i64, id);
        Some(dataflows::event::Event { kind, ..touch })
    });
    oracle::report(
        &[log.to_vec()],
        &histories::names(),
        &Settings::default(),
        true,
    )
}

#[test]
fn counts_of_another_program_are_compared() {
    let report = counted();
    let mut own = Vec::new();
    report.transitions_csv(&mut own).unwrap();
    let own = String::from_utf8(own).unwrap();
    let same = compare(&report, &read_counts(&own).unwrap());
    assert_eq!((same.equal, same.differing.len(), same.note), (3, 0, None));

    let bare = "default,start,Email,1\ndefault,Email,conversion,1\n";
    let without = compare(&report, &read_counts(bare).unwrap());
    assert_eq!((without.equal, without.differing.len()), (2, 0));
    assert!(
        without
            .note
            .unwrap()
            .ends_with("1 such rows of ours left out")
    );

    let elsewhere = format!("{bare}other,start,conversion,4\nx,Email,null,0\n");
    let elsewhere = compare(&report, &read_counts(&elsewhere).unwrap());
    assert_eq!(elsewhere.note, None);
    assert_eq!(
        elsewhere.differing,
        [
            "default,start,conversion: 1 here, 0 in the file",
            "other,start,conversion: 0 here, 4 in the file"
        ]
    );
}

#[test]
fn a_file_that_is_no_counts_is_refused() {
    let refused = |text: &str| format!("{:#}", read_counts(text).unwrap_err());
    assert!(refused("a,b,c\n").contains("row 1 has 3 fields"));
    assert!(refused("a,b,c,many\n").contains("row 1: \"many\" is no count"));
    assert!(refused("a,b,c,1\na,b,c,2\n").contains("row 2 repeats"));
}

#[test]
fn counts_that_differ_fail_the_verification() {
    let settings = Settings::default();
    let input = input(8, &settings);
    let mut csv = Vec::new();
    let report = oracle::report(&input.partitions, &input.names, &settings, true);
    report.transitions_csv(&mut csv).unwrap();
    let mut options = Options {
        against: Some(String::from_utf8(csv).unwrap()),
        ..options(settings)
    };
    let run = |plan: &Plan| Ok(replay(plan, &input.names));
    let (outcome, printed) = verified(&input, &options, run);
    assert!(outcome.passed(), "{printed}");
    options.against = options.against.map(|text| text + "default,new,null,3\n");
    let (outcome, printed) = verified(&input, &options, run);
    assert!(!outcome.passed() && outcome.differing == 0);
    assert!(
        printed.contains("default,new,null: 0 here, 3 in the file"),
        "{printed}"
    );
}
