"""The referral letter that goes by fax: two pages of prose with sections."""

from __future__ import annotations

from examples.generator.charts import Chart
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet

_CLINIC = "Assabet Family Practice"
_VISIT = "2020-05-01"


def referral(chart: Chart) -> tuple[bytes, Sheet]:
    """Two pages to an ear, nose and throat surgeon about a chronic sinusitis."""
    sheet = Sheet()
    page = Composer(sheet, Look(font="Times-Roman", bold="Times-Bold", size=12))
    page.letterhead(_CLINIC, "157 Packard Street, Hudson, MA 01749   Tel 978-555-0155   Fax 978-555-0156")
    sheet.encounter("Office visit", _VISIT, None, "Giovanni Greenfelder, MD", _CLINIC)
    page.prose("May 4, 2020")
    page.prose("To: Hannah Okafor, MD, Ear, Nose and Throat Associates, Marlborough, MA")
    page.labelled("Re:", f"{chart.name}, date of birth {chart.us()}, {chart.sex}, MRN {chart.mrn}")
    page.labelled("Subject:", "REFERRAL LETTER")
    page.gap()
    page.prose("Dear Dr. Okafor,")
    page.prose(
        f"Thank you for seeing Mr. {chart.family}, a {chart.age(_VISIT)}-year-old electrician, about "
        "{c:chronic sinusitis}. I saw him in the office on 05/01/2020. He has had {c:nasal congestion}, "
        "{c:facial pressure} and {c:postnasal drip} for most of the past year, with three flares that needed "
        "antibiotics. He has {c:loss of smell} since February."
    )
    page.prose(
        "He denies {c-:fever}, {c-:epistaxis}, {c-:double vision} and {c-:tooth pain}. He does not have "
        "{c-:asthma} and has never reacted to aspirin. There is no history of {ch-:nasal polyps}."
    )
    page.heading("Past history")
    page.prose(
        "{ch:Viral sinusitis} in May 2016, {ch:acute viral pharyngitis} in January 2017 and August 2019, "
        "{ch:acute bronchitis} in June 2018, {ch:concussion} in 2003. He had a {p:tonsillectomy|1991} in 1991. His "
        "mother has {cf:asthma} and his sister has {cf:allergic rhinitis}. He never smoked."
    )
    page.heading("Current medications")
    page.bullets(
        [
            "{m:Fluticasone nasal spray|2 sprays|in each nostril|once daily}",
            "{m:Loratadine|10 mg|by mouth|once daily}",
            "{m:Pseudoephedrine|60 mg|by mouth|every 6 hours as needed}",
            "{m:Saline nasal rinse|240 mL|in each nostril|twice daily}",
        ]
    )
    page.prose(
        "He finished {m:amoxicillin-clavulanate|875 mg|by mouth|twice daily} on 03/20/2020 and "
        "{m:doxycycline|100 mg|by mouth|twice daily} on 04/19/2020, with relief for about ten days each time."
    )
    page.heading("Allergies")
    page.prose("{a:Cefaclor} (hives as a child).")
    page.heading("Examination")
    page.prose(
        "Blood pressure {bp:122/78|mmHg}, {v:pulse| |74|bpm}, {v:temperature| |37.1|°C}, {v:weight| |85.2|kg}. "
        "{c:[Boggy ]turbinate swelling^swelling of the turbinates} on both sides and {c:[thick ]nasal discharge} on "
        "the left. {c:Deviated septum} to the left. {c:[Left ]maxillary tenderness^tenderness}. No "
        "{c-:cervical lymphadenopathy^lymphadenopathy}. Ears normal."
    )
    page.heading("Results")
    page.prose(
        "Blood of 06/22/2018: {r:Hemoglobin| |12.2|g/dL}, {r:Eosinophils| |7.4|%}, {r:Total IgE| |268|kU/L}, "
        "{r:C-reactive protein| |11.6|mg/L}. The {r:hemoglobin| was |13.9|g/dL} on 04/28/2020."
    )
    page.prose(
        "{p:Computed tomography of the sinuses|2020-04-28} on 04/28/2020: {c:mucosal thickening[ of both maxillary "
        "sinuses]} and {c:opacification of the left ethmoid cells^opacification^ethmoid opacification}. No {c-:bone "
        "erosion}. No {c-:air-fluid level}."
    )
    page.heading("My question")
    page.prose(
        "Would he benefit from endoscopic surgery, and should he be tested for allergies first? He would like to avoid "
        "more antibiotics. I have told him to go to the emergency department for {c~:swelling around the eye^swelling} "
        "or {c~:severe headache^headache}."
    )
    page.prose(
        "I would be grateful for an appointment within four weeks. The images are on the enclosed disc. Please send "
        "your report to the fax number above."
    )
    page.prose("With kind regards,")
    page.signature("Giovanni Greenfelder, MD", "05/04/2020", role="Signed")
    return build(page, footer=f"{_CLINIC} - confidential", running=f"Re: {chart.name}, {chart.us()}"), sheet
