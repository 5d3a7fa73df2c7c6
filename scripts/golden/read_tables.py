"""Reads exported tables with Apache Arrow and DuckDB: JSON {parquet, csv, ndjson: paths} on stdin; on stdout, for each reader, names and types of columns and
the rows. A cell is null or a text that tells kind and value exactly: `i` an integer, `f` the 64 bits of a double, `b` a boolean, `s` a text, `x` bytes,
`t` nanoseconds since 1970. With `sum`, the name of a column, rows are not given but counted, that column is summed up, and its values over `above`
at even offsets are counted."""
import json
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet


def cell(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return f"b{'true' if value else 'false'}"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return "fnan" if value != value else f"f{struct.pack('>d', value).hex()}"
    if isinstance(value, bytes):
        return f"x{value.hex()}"
    return f"s{value}"


def table(names, types, rows):
    return {"columns": dict(zip(names, types)), "rows": [[cell(value) for value in row] for row in rows]}


def arrow(read):
    columns = [column.cast(pa.int64()).to_pylist() if pa.types.is_timestamp(column.type) else column.to_pylist() for column in read.columns]
    for i, field in enumerate(read.schema):
        if pa.types.is_timestamp(field.type):
            scale = {"us": 1000, "ns": 1}[field.type.unit]
            columns[i] = [Nanos(value * scale) if value is not None else None for value in columns[i]]
    rows = zip(*columns) if columns else []
    said = table(read.schema.names, [str(field.type) for field in read.schema], [])
    said["rows"] = [[value.text if isinstance(value, Nanos) else cell(value) for value in row] for row in rows]
    return said


class Nanos:
    def __init__(self, count):
        self.text = f"t{count}"


def duck(relation):
    """Times as whole nanoseconds: Python's own have microseconds only."""
    columns = [
        f"epoch_ns({quoted(name)})" if str(kind).startswith("TIMESTAMP") else quoted(name)
        for name, kind in zip(relation.columns, relation.types)
    ]
    rows = relation.project(", ".join(columns)).fetchall()
    said = table(relation.columns, [str(kind) for kind in relation.types], [])
    times = [str(kind).startswith("TIMESTAMP") for kind in relation.types]
    said["rows"] = [
        [f"t{value}" if is_time and value is not None else cell(value) for value, is_time in zip(row, times)] for row in rows
    ]
    return said


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def csv_texts(path):
    """Every cell as it is written: an empty field is absent, two quotes are an empty text."""
    header = pa.csv.open_csv(path, parse_options=pa.csv.ParseOptions(newlines_in_values=True)).schema.names
    convert = pa.csv.ConvertOptions(
        column_types={name: pa.string() for name in header}, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
    )
    return pa.csv.read_csv(path, parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=convert)


def metadata(path):
    file = pa.parquet.ParquetFile(path)
    kept = file.schema_arrow.metadata or {}
    return {
        "createdBy": file.metadata.created_by, "rows": file.metadata.num_rows,
        "groups": [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)],
        "stream": kept.get(b"sedge.stream", b"").decode(),
        "logical": {file.schema.column(i).name: str(file.schema.column(i).logical_type) for i in range(len(file.schema))},
    }


def sums(asked, column):
    read = pa.parquet.read_table(asked["parquet"])
    said = {"arrow": [cell(read.num_rows), cell(pa.compute.sum(read[column]).as_py())]}
    for name in ("parquet", "csv"):
        relation = db.sql(f"SELECT count(*), sum({quoted(column)}), count(DISTINCT \"offset\"), epoch_ns(min(time)), epoch_ns(max(time)) FROM '{paths[name]}'")
        said[name] = [cell(value) for value in relation.fetchall()[0]]
        # What the bounds of groups of rows let a reader pass over.
        above = db.sql(f"SELECT count(*) FROM '{paths[name]}' WHERE {quoted(column)} > {asked['above']} AND \"offset\" % 2 = 0")
        said[name].append(cell(above.fetchall()[0][0]))
    return said


asked = json.load(sys.stdin)
db = duckdb.connect()
db.execute("SET TimeZone='UTC'")
paths = {name: asked[name].replace("'", "''") for name in ("parquet", "csv", "ndjson")}
said = {"metadata": metadata(asked["parquet"])}
if "sum" in asked:
    said["sums"] = sums(asked, asked["sum"])
else:
    said["arrow"] = arrow(pa.parquet.read_table(asked["parquet"]))
    said["duckdb"] = duck(db.sql(f"SELECT * FROM read_parquet('{paths['parquet']}')"))
    said["csvArrow"] = arrow(csv_texts(asked["csv"]))
    said["csvDuckdb"] = duck(db.sql(
        f"SELECT * FROM read_csv('{paths['csv']}', all_varchar=true, header=true, delim=',', quote='\"', escape='\"', allow_quoted_nulls=false)"
    ))
    # As somebody does who knows nothing of the file.
    said["csvGuessed"] = duck(db.sql(f"SELECT * FROM '{paths['csv']}'"))
    with open(asked["ndjson"], encoding="utf-8") as lines:
        said["ndjson"] = [
            json.loads(line, parse_int=lambda text: f"i{text}", parse_float=lambda text: cell(float(text))) for line in lines
        ]
print(json.dumps(said, allow_nan=False))
