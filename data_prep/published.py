"""Where the corpora are published, with which checksums, and under which terms.

SHA-256 sums of LibriSpeech, LJ Speech, Speech Commands and yesno are those of `torchaudio.datasets`. None is
published for speechocean762, AN4 and the archives that GitHub makes of FSDD: there the size that the server
states, and the checks inside the archives themselves, have to do.
"""

from __future__ import annotations

from data_prep.download import Archive

_LIBRISPEECH_SHA256 = {
    "dev-clean": "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    "dev-other": "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    "test-clean": "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    "test-other": "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    "train-clean-100": "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    "train-clean-360": "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    "train-other-500": "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
}
_SPEECH_COMMANDS_SHA256 = {
    "v0.01": "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
    "v0.02": "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
}

AN4 = (Archive("an4", "http://www.speech.cs.cmu.edu/databases/an4/an4_raw.bigendian.tar.gz"),)
FSDD = (Archive("v1.0.10", "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.zip"),)
LIBRISPEECH = tuple(
    Archive(part, f"https://www.openslr.org/resources/12/{part}.tar.gz", f"sha256:{digest}")
    for part, digest in _LIBRISPEECH_SHA256.items()
)
LJSPEECH = (
    Archive(
        "1.1",
        "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2",
        "sha256:be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5",
    ),
)
SPEECH_COMMANDS = tuple(
    Archive(
        part,
        f"https://download.tensorflow.org/data/speech_commands_{part}.tar.gz",
        f"sha256:{digest}",
    )
    for part, digest in _SPEECH_COMMANDS_SHA256.items()
)
SPEECHOCEAN762 = (Archive("speechocean762", "https://www.openslr.org/resources/101/speechocean762.tar.gz"),)
YESNO = (
    Archive(
        "waves_yesno",
        "https://www.openslr.org/resources/1/waves_yesno.tar.gz",
        "sha256:c3f49e0cca421f96b75b41640749167b52118f232498667ca7a5f9416aef8e73",
    ),
)

COMMON_VOICE_TERMS = """\
Common Voice, Mozilla and the contributors to Common Voice, https://commonvoice.mozilla.org/
Public domain: CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/
Whoever takes it promises not to try to find out who its speakers are.
"""
FSDD_TERMS = """\
Free Spoken Digit Dataset, Z. Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset
Creative Commons Attribution-ShareAlike 4.0 International, https://creativecommons.org/licenses/by-sa/4.0/
"""
LIBRISPEECH_TERMS = """\
LibriSpeech ASR corpus, V. Panayotov, G. Chen, D. Povey and S. Khudanpur, 2015, https://www.openslr.org/12/
Creative Commons Attribution 4.0 International, https://creativecommons.org/licenses/by/4.0/
"""
LJSPEECH_TERMS = """\
The LJ Speech Dataset 1.1, K. Ito and L. Johnson, 2017, https://keithito.com/LJ-Speech-Dataset/
Public domain in the United States of America.
"""
SPEECH_COMMANDS_TERMS = """\
Speech Commands, P. Warden, Google, 2018, https://arxiv.org/abs/1804.03209
Creative Commons Attribution 4.0 International, https://creativecommons.org/licenses/by/4.0/
"""
SPEECHOCEAN762_TERMS = """\
speechocean762, J. Zhang and others, 2021, https://www.openslr.org/101/
Creative Commons Attribution 4.0 International, https://creativecommons.org/licenses/by/4.0/
"""
