//! The dataflow against the oracle on random histories: 1, 2 and 4 workers, any cut into epochs.

mod histories;

use tributary::verify::{Dataflow, Input, Options, verify_to};

#[test]
fn the_dataflow_equals_the_oracle_on_random_histories() {
    for seed in 0..60 {
        let settings = histories::settings(seed);
        let history = histories::history(seed, &settings);
        let dataflow = Dataflow::new(&history.names);
        let input = Input {
            partitions: history.partitions,
            names: history.names,
        };
        let options = Options {
            settings,
            shuffles: 4,
            stops: 2,
            workers: vec![1, 2, 4],
            batches: vec![1, 7, 40],
            seed,
            against: None,
        };
        let mut log = Vec::new();
        let outcome = verify_to(&input, &options, &dataflow, &mut log).expect("every run ends");
        assert!(
            outcome.passed(),
            "seed {seed}, {settings:?}:\n{}",
            String::from_utf8_lossy(&log)
        );
    }
}
