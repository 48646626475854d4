"""A DAG that checks, runs and verifies one pipeline every night. A run that had nothing to do succeeds too."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

FOLDER = "/srv/forerunner"
PIPELINE = "great-britain"

with DAG(
    dag_id=f"forerunner_{PIPELINE}",
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10)},
) as dag:
    run = BashOperator(
        task_id="run",
        cwd=FOLDER,
        # Status 3 is the data's: trying again does not help (Airflow's code to fail at once is its own exception).
        bash_command=f"forerunner run {PIPELINE}.toml --wait 600 --keep 14 --log-format json",
    )
    verify = BashOperator(task_id="verify", cwd=FOLDER, bash_command=f"forerunner verify --inputs out/{PIPELINE}")
    run >> verify
