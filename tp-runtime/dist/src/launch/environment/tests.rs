//! What the variables of each launcher make of a process.

use super::variables::Variables;
use super::{Environment, SetupError, open_mpi, slurm, torchrun};

fn read(variables: &[(&str, &str)]) -> Result<Option<Environment>, SetupError> {
    let lookup = |name: &str| {
        let mut all = variables.iter().rev();
        let found = all.find(|variable| variable.0 == name)?;
        Some(found.1.to_owned())
    };
    Environment::of(&Variables(&lookup))
}

fn found(variables: &[(&str, &str)]) -> Environment {
    read(variables).unwrap().expect("one rank of several")
}

fn refused(variables: &[(&str, &str)]) -> String {
    read(variables).unwrap_err().to_string()
}

/// What a step of `srun` gives the fourth of five tasks on two hosts.
const STEP: &[(&str, &str)] = &[
    ("SLURM_JOB_ID", "200505"),
    ("SLURM_STEP_ID", "0"),
    ("SLURM_NTASKS", "5"),
    ("SLURM_STEP_NUM_TASKS", "5"),
    ("SLURM_STEP_TASKS_PER_NODE", "3,2"),
    ("SLURM_STEP_NODELIST", "gpu[07,09]"),
    ("SLURM_PROCID", "3"),
    ("SLURM_LOCALID", "0"),
    ("SLURM_NODEID", "1"),
];

/// What `mpirun` gives the second of two processes.
const MPI: &[(&str, &str)] = &[
    ("OMPI_COMM_WORLD_SIZE", "2"),
    ("OMPI_COMM_WORLD_RANK", "1"),
    ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"),
    ("OMPI_COMM_WORLD_LOCAL_RANK", "1"),
    ("PMIX_NAMESPACE", "prterun-gpu07-4242@1"),
];

const TORCHRUN: &[(&str, &str)] = &[
    ("RANK", "1"),
    ("WORLD_SIZE", "4"),
    ("MASTER_ADDR", "10.0.0.1"),
    ("MASTER_PORT", "29500"),
];

fn with<'a>(
    variables: &[(&'a str, &'a str)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    [variables, more].concat()
}

#[test]
fn srun_makes_ranks() {
    let expected = Environment {
        launcher: slurm::LAUNCHER,
        rank: 3,
        world_size: 5,
        local_rank: 0,
        local_world_size: 2,
        master_address: "gpu07".into(),
        master_port: 15_050,
        attempt: None,
    };
    assert_eq!(found(STEP), expected);
    let given = found(&with(
        STEP,
        &[("MASTER_ADDR", "10.0.0.1"), ("MASTER_PORT", "4000")],
    ));
    assert_eq!(
        (&*given.master_address, given.master_port),
        ("10.0.0.1", 4000)
    );
    let one_host = found(&with(
        STEP,
        &[("SLURM_STEP_TASKS_PER_NODE", "5"), ("SLURM_NODEID", "0")],
    ));
    assert_eq!(one_host.master_address, "127.0.0.1");
}

#[test]
fn srun_counts_the_tasks_of_each_host() {
    let tasks = |list, host| {
        let more = [("SLURM_STEP_TASKS_PER_NODE", list), ("SLURM_NODEID", host)];
        read(&with(STEP, &more)).map(|found| found.unwrap().local_world_size)
    };
    let list = "2(x3),1,4(x2)";
    let all = ["0", "1", "2", "3", "4", "5"].map(|host| tasks(list, host).unwrap());
    assert_eq!(all, [2, 2, 2, 1, 4, 4]);
    let error = tasks(list, "6").unwrap_err().to_string();
    assert!(
        error.contains("how many tasks the host SLURM_NODEID=6 has"),
        "{error}"
    );
    assert!(tasks("two", "0").is_err());
}

#[test]
fn srun_s_first_host_is_found_in_its_list() {
    for (list, first) in [
        ("gpu07", "gpu07"),
        ("login,gpu[07-09]", "login"),
        ("gpu[07-09,12],login", "gpu07"),
        ("rack[2-3]node[08,10]", "rack2node08"),
    ] {
        let found = found(&with(STEP, &[("SLURM_STEP_NODELIST", list)]));
        assert_eq!(found.master_address, first, "{list}");
    }
}

#[test]
fn neighbouring_jobs_and_steps_meet_at_different_ports() {
    let port = |job, step| {
        let found = found(&with(
            STEP,
            &[("SLURM_JOB_ID", job), ("SLURM_STEP_ID", step)],
        ));
        found.master_port
    };
    let ports = [("7", "0"), ("7", "1"), ("8", "0"), ("4294967295", "0")];
    let mut ports = ports.map(|(job, step)| port(job, step)).to_vec();
    assert!(
        ports.iter().all(|port| (10_000..30_000).contains(port)),
        "{ports:?}"
    );
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 4);
}

#[test]
fn scripts_and_shells_of_slurm_are_plain_processes() {
    let script: Vec<_> = STEP
        .iter()
        .copied()
        .filter(|variable| !variable.0.contains("_STEP_"))
        .collect();
    assert_eq!(read(&script).unwrap(), None);
    // The shell of `salloc` is a step of one task on the first host.
    assert_eq!(
        read(&with(STEP, &[("SLURM_STEP_NUM_TASKS", "1")])).unwrap(),
        None
    );
}

#[test]
fn mpirun_makes_ranks() {
    let expected = Environment {
        launcher: open_mpi::LAUNCHER,
        rank: 1,
        world_size: 2,
        local_rank: 1,
        local_world_size: 2,
        master_address: "127.0.0.1".into(),
        master_port: 12_421,
        attempt: None,
    };
    assert_eq!(found(MPI), expected);
    let several = [
        ("OMPI_COMM_WORLD_LOCAL_SIZE", "1"),
        ("OMPI_COMM_WORLD_LOCAL_RANK", "0"),
    ];
    let error = refused(&with(MPI, &several));
    assert!(error.contains("`mpirun -x MASTER_ADDR=...`"), "{error}");
    let given = [several[0], several[1], ("MASTER_ADDR", "10.0.0.1")];
    assert_eq!(found(&with(MPI, &given)).master_address, "10.0.0.1");
    let error = refused(&MPI[..4]);
    assert!(error.contains("`mpirun -x MASTER_PORT=...`"), "{error}");
    let alone = [("OMPI_COMM_WORLD_SIZE", "1"), ("OMPI_COMM_WORLD_RANK", "0")];
    assert_eq!(read(&with(MPI, &alone)).unwrap(), None);
}

#[test]
fn an_address_of_the_host_itself_reaches_no_other_host() {
    let here = found(MPI).own_address().unwrap();
    assert!(here.is_loopback(), "{here}");
    let several = [
        ("OMPI_COMM_WORLD_LOCAL_SIZE", "1"),
        ("MASTER_ADDR", "localhost"),
    ];
    let error = found(&with(MPI, &several)).own_address().unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("this host reads `localhost` as 127.0.0.1"),
        "{error}"
    );
}

#[test]
fn who_started_the_ranks_wins() {
    assert_eq!(found(&with(STEP, MPI)).launcher, open_mpi::LAUNCHER);
    let all = with(&with(STEP, MPI), TORCHRUN);
    assert_eq!(found(&all).launcher, torchrun::LAUNCHER);
    assert_eq!(found(&all).world_size, 4);
    assert_eq!(read(&[]).unwrap(), None);
}

#[test]
fn faults_name_the_variable() {
    let error = refused(&with(STEP, &[("SLURM_PROCID", "5")]));
    assert_eq!(
        error,
        "SLURM_PROCID=5 does not exist when SLURM_STEP_NUM_TASKS=5"
    );
    let error = refused(&with(STEP, &[("SLURM_STEP_NUM_TASKS", "many")]));
    assert_eq!(
        error,
        "`SLURM_STEP_NUM_TASKS=many` is not a number in range"
    );
    let error = refused(&STEP[..8]);
    assert_eq!(
        error,
        "`SLURM_NODEID` is not set, but SLURM_STEP_NUM_TASKS is: start with `srun` or set it"
    );
    let alone = found(&[("RANK", "0"), ("WORLD_SIZE", "1")]);
    assert_eq!((alone.rank, alone.world_size), (0, 1));
    let error = refused(&TORCHRUN[..3]);
    assert_eq!(
        error,
        "`MASTER_PORT` is not set, but WORLD_SIZE is: start with `torchrun` or set it"
    );
}
