"""The six larger corpora in miniature, each exactly in the shape in which it is published."""

from __future__ import annotations

from pathlib import Path

from tests.data_prep.corpora import tone, write_audio


def librispeech(folder: Path, *parts: str) -> Path:
    root = folder / "LibriSpeech"
    root.mkdir(parents=True)
    (root / "LICENSE.TXT").write_text("CC BY 4.0\n")
    (root / "SPEAKERS.TXT").write_text("; ID | SEX | SUBSET\n84 | F | dev-clean | 8.02 | Christie Nowak\n")
    for part in parts:
        for chapter in (f"{len(part)}-121123", f"{len(part)}-121550", f"{100 + len(part)}-50561"):
            at = root / part / chapter.replace("-", "/")
            texts = [f"{chapter}-{index:04} IT'S CHAPTER {index}" for index in range(2)]
            for index in range(2):
                write_audio(at / f"{chapter}-{index:04}.flac", tone(0.1 * (index + 1)))
            (at / f"{chapter}.trans.txt").write_text("\n".join(texts) + "\n")
    return root


CV_HEADER = "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tdown_votes\tage\tgender\t"
CV_HEADER += "accents\tvariant\tlocale\tsegment\n"


def common_voice(folder: Path, language: str = "en") -> Path:
    """A corpus of scripted speech as since 2023; the sentence of the third clip is a quoted cell."""
    root = folder / "cv-corpus-17.0-2024-03-15" / language
    sentences = {
        "train": ["Hello, world.", 'He said "no".', '"She said ""yes""."', "Grüße\u2028an alle"],
        "dev": ["Dev."],
        "test": ["Test."],
    }
    for split, texts in sentences.items():
        lines = []
        for index, text in enumerate(texts):
            name = f"common_voice_{language}_{split}{index}.mp3"
            write_audio(root / "clips" / name, tone(0.5, rate=32_000), rate=32_000)
            lines.append(
                f"{split}{index % 2:0128x}\t{name}\tid\t{text}\t\t2\t0\ttwenties\t\t\t\t{language}\t\n"
            )
        (root / f"{split}.tsv").write_text(CV_HEADER + "".join(lines), encoding="utf-8")
    write_audio(root / "clips" / f"common_voice_{language}_other.mp3", rate=32_000)
    (root / "other.tsv").write_text(CV_HEADER)
    (root / "clip_durations.tsv").write_text("clip\tduration[ms]\n")
    return root


def common_voice_of_2017(folder: Path) -> Path:
    root = folder / "cv_corpus_v1"
    for split in ("train", "dev", "test"):
        name = f"cv-valid-{split}/sample-000000.mp3"
        write_audio(root / name, rate=48_000)
        header = "filename,text,up_votes,down_votes,age,gender,accent,duration\n"
        (root / f"cv-valid-{split}.csv").write_text(f"{header}{name},it is {split},1,0,twenties,male,us,\n")
    return root


def speechocean762(folder: Path) -> Path:
    root = folder / "speechocean762"
    people = {"train": ("0001", "0005"), "test": ("0003",)}
    for split, speakers in people.items():
        lists: dict[str, list[str]] = {
            "wav.scp": [],
            "text": [],
            "utt2spk": [],
            "spk2age": [],
            "spk2gender": [],
        }
        for speaker in speakers:
            name = f"0{speaker}0011"
            file = f"WAVE/SPEAKER{speaker}/{name}.WAV"
            write_audio(root / file)
            lists["wav.scp"].append(f"{name}\t{file}")
            lists["text"].append(f"{name}\tWE CALL IT {speaker}")
            lists["utt2spk"].append(f"{name}\t{speaker}")
            lists["spk2age"].append(f"{speaker}\t6")
            lists["spk2gender"].append(f"{speaker}\tm")
        (root / split).mkdir()
        for name, lines in lists.items():
            (root / split / name).write_text("\n".join(lines) + "\n")
    (root / "README.md").write_text("speechocean762\n")
    return root


def ljspeech(folder: Path) -> Path:
    root = folder / "LJSpeech-1.1"
    for name in ("LJ001-0001", "LJ001-0002", "LJ001-0003"):
        write_audio(root / f"wavs/{name}.wav", rate=22_050)
    (root / "metadata.csv").write_text(
        'LJ001-0001|"Printing," he said in 1455|"Printing," he said in fourteen fifty-five\n'
        "LJ001-0002|in being, comparatively|in being, comparatively\n"
        "LJ001-0003|for the “Jenson” face|for the “Jenson” face\n",
        encoding="utf-8",
    )
    (root / "README").write_text("LJ Speech\n")
    return root


def fsdd(folder: Path) -> Path:
    root = folder / "free-spoken-digit-dataset-1.0.10"
    for name in ("7_jackson_0", "7_jackson_5", "0_lucas_4", "9_lucas_49"):
        write_audio(root / f"recordings/{name}.wav", rate=8_000)
    (root / "README.md").write_text("FSDD\n")
    (root / "metadata.py").write_text("metadata = {}\n")
    return root


def speech_commands(folder: Path) -> Path:
    root = folder / "speech_commands_v0.02"
    names = (
        "yes/0a7c2a8d_nohash_0",
        "yes/0a7c2a8d_nohash_1",
        "yes/bb05582b_nohash_0",
        "no/bb05582b_nohash_0",
    )
    for name in (*names, "_background_noise_/pink_noise"):
        write_audio(root / f"{name}.wav")
    (root / "validation_list.txt").write_text("yes/bb05582b_nohash_0.wav\n")
    (root / "testing_list.txt").write_text("no/bb05582b_nohash_0.wav\n")
    (root / "LICENSE").write_text("CC BY 4.0\n")
    return root
